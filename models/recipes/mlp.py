"""`models/mlp`: a ReLU network whose dead neurons are known because they were put there.

A dead neuron's bias lies below minus the largest sum its weights can make of any input in
[-1, 1]; a constant one has no weights and a positive bias. All others are trained as usual, and
the recipe stops if one of those never fires on the shipped inputs.
"""

import numpy as np
import torch

from .golden import THRESHOLD, Tap, record, write_golden
from .onnx_files import export_onnx, max_abs_difference
from .site_list import Site, Weights, write_sites
from .text import ROOT
from .training import Schedule, load_or_train, train
from .vocabulary import write_json

WIDTHS = (32, 64, 64, 32, 10)
DEAD_COUNTS = (7, 11, 3)
#: The constant neuron: layer, index, value.
CONSTANT = (0, 20, 0.5)
ROWS = 512
#: Of the weights; with some others the first steps of training kill a neuron more.
SEED = 2
#: How far below its reachable range a dead neuron stays.
MARGIN = 0.25
AXES = {"x": {0: "rows"}, "logits": {0: "rows"}}


class Mlp(torch.nn.Module):
    """x `[rows, 32]` -> logits `[rows, 10]`; `alive[layer]` is 0 for the dead while training."""

    def __init__(self, dead: list[np.ndarray]) -> None:
        super().__init__()
        pairs = zip(WIDTHS[:-1], WIDTHS[1:], strict=True)
        self.layers = torch.nn.ModuleList(torch.nn.Linear(*pair) for pair in pairs)
        self.acts = torch.nn.ModuleList(torch.nn.ReLU() for _ in DEAD_COUNTS)
        for linear in self.layers:
            torch.nn.init.constant_(linear.bias, 0.2)  # so that no neuron starts out dead by chance
        self.alive = []
        for width, indices in zip(WIDTHS[1:-1], dead, strict=True):
            mask = torch.ones(width)
            mask[torch.from_numpy(indices)] = 0
            self.alive.append(mask)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for index, (linear, act) in enumerate(zip(self.layers, self.acts, strict=False)):
            x = act(linear(x))
            if self.training:
                x = x * self.alive[index]
        return self.layers[-1](x)


def make(steps: int | None, reuse: bool) -> None:
    """Write `models/mlp/`."""
    random = np.random.default_rng(0)
    dead = choose_dead(random)
    x, labels = make_rows(random)
    torch.manual_seed(SEED)
    model = Mlp(dead)
    schedule = Schedule(steps or 150, peak_learning_rate=2e-3, warmup_steps=20)
    load_or_train(model, "mlp", reuse, lambda: train_model(model, x, labels, schedule))
    kill(model, dead)
    inputs = {"x": torch.from_numpy(x)}
    folder = ROOT / "models" / "mlp"
    path = folder / "model.onnx"
    export_onnx(model, inputs, path, "torchscript", 17, axes=AXES)
    difference = max_abs_difference(model, inputs, path)
    print(
        f"{path.name}: {path.stat().st_size:,} bytes, max |onnxruntime - torch| = {difference:.2e}"
    )
    np.savez_compressed(folder / "inputs.npz", x=x, labels=labels)
    write_expected(model, inputs, dead)
    stored = {"file": "inputs.npz", "arrays": ["x"]}
    functions = {"mlp_pre": "relu", "mlp_post": "relu"}
    write_golden(folder / "golden.json", model, taps(model), inputs, functions, stored)
    write_sites(folder / "sites.json", path, sites(model))
    with torch.no_grad():
        accuracy = (model(**inputs).argmax(1).numpy() == labels).mean()
    print(f"accuracy on its own rows {accuracy:.1%}")


def choose_dead(random: np.random.Generator) -> list[np.ndarray]:
    """Sorted indices of the dead neurons of each hidden layer, never the constant one."""
    chosen = []
    for layer, (width, count) in enumerate(zip(WIDTHS[1:-1], DEAD_COUNTS, strict=True)):
        free = [index for index in range(width) if (layer, index) != CONSTANT[:2]]
        chosen.append(np.sort(random.choice(free, count, replace=False)))
    return chosen


def make_rows(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows in [-1, 1] around ten class centres, and their classes."""
    centres = random.uniform(-0.6, 0.6, (WIDTHS[-1], WIDTHS[0]))
    labels = random.integers(WIDTHS[-1], size=ROWS)
    x = centres[labels] + random.normal(0, 0.5, (ROWS, WIDTHS[0]))
    return np.clip(x, -1, 1).astype(np.float32), labels.astype(np.int64)


def train_model(model: Mlp, x: np.ndarray, labels: np.ndarray, schedule: Schedule) -> None:
    """Full-batch classification, the constant neuron held fixed."""
    layer, index, value = CONSTANT
    linear = model.layers[layer]
    inputs, targets = torch.from_numpy(x), torch.from_numpy(labels)

    def hold() -> None:
        with torch.no_grad():
            linear.weight[index] = 0
            linear.bias[index] = value

    def loss_of(_step: int) -> torch.Tensor:
        hold()
        return torch.nn.functional.cross_entropy(model(inputs), targets)

    train(model, loss_of, schedule, log_every=100)
    hold()


def kill(model: Mlp, dead: list[np.ndarray]) -> None:
    """Put each dead neuron's bias below what any input in [-1, 1] can lift above zero.

    Interval arithmetic, layer by layer: with inputs in [low, high] the largest sum of a neuron is
    high . max(w, 0) + low . min(w, 0).
    """
    low, high = -torch.ones(WIDTHS[0]), torch.ones(WIDTHS[0])
    with torch.no_grad():
        for linear, indices in zip(model.layers, dead, strict=False):
            positive, negative = linear.weight.clamp(min=0), linear.weight.clamp(max=0)
            largest = positive @ high + negative @ low
            smallest = positive @ low + negative @ high
            linear.bias[indices] = -largest[indices] - MARGIN
            low, high = (smallest + linear.bias).clamp(min=0), (largest + linear.bias).clamp(min=0)


def write_expected(model: Mlp, inputs: dict[str, torch.Tensor], dead: list[np.ndarray]) -> None:
    """`expected.json`, after checking that exactly the intended neurons are dead on the inputs."""
    seen = record(model, taps(model), inputs)
    for layer, indices in enumerate(dead):
        fires = (np.abs(seen[f"{layer}.mlp_post"]) > THRESHOLD).any(0)
        if not np.array_equal(np.nonzero(~fires)[0], indices):
            raise SystemExit(
                f"Expected {indices} to be dead in layer {layer}, found {np.nonzero(~fires)[0]}"
            )
    layer, index, value = CONSTANT
    expected = {
        "inputRange": [-1, 1],
        "rows": ROWS,
        "neurons": {f"{i}.mlp_post": width for i, width in enumerate(WIDTHS[1:-1])},
        "dead": {f"{i}.mlp_post": indices.tolist() for i, indices in enumerate(dead)},
        "constant": {f"{layer}.mlp_post": [{"neuron": index, "value": value}]},
        "deadRatio": sum(DEAD_COUNTS) / sum(WIDTHS[1:-1]),
    }
    write_json(ROOT / "models" / "mlp" / "expected.json", expected)


def taps(model: Mlp) -> list[Tap]:
    """Both ends of each ReLU."""
    return [
        tap
        for layer, act in enumerate(model.acts)
        for tap in (Tap(f"{layer}.mlp_pre", act, "input"), Tap(f"{layer}.mlp_post", act, "output"))
    ]


def sites(model: Mlp) -> list[Site]:
    """`nn.Linear` keeps a weight as `[out, in]`."""
    found = []
    for layer, (into, out) in enumerate(zip(model.layers, model.layers[1:], strict=False)):
        weights = [Weights("in", into.weight, 0, into.bias), Weights("out", out.weight, 1)]
        names = ("mlp_pre", "mlp_post")
        found += [Site(f"{layer}.{name}", into.out_features, "relu", weights) for name in names]
    return found
