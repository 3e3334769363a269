"""`models/gcn`: a two-layer graph convolution network (Kipf & Welling 2017) on a generated graph.

The layers are PyTorch Geometric's `GCNConv`, so self loops and the symmetric normalisation
D^-1/2 (A + I) D^-1/2 are computed inside the exported graph, from `edge_index`.
"""

import numpy as np
import torch
from torch_geometric.nn import GCNConv

from .golden import Tap, write_golden
from .onnx_files import export_onnx, max_abs_difference
from .site_list import Site, Weights, write_sites
from .text import ROOT
from .training import Schedule, load_or_train, train

NODES, CLASSES, FEATURES, HIDDEN = 1000, 5, 64, 32
#: Probabilities of an edge between two nodes of the same class and of different ones.
EDGE_SAME, EDGE_OTHER = 0.022, 0.003
#: A node has each feature of its class with the first probability, any other with the second.
FEATURE_OWN, FEATURE_OTHER = 0.24, 0.10
TRAIN_PER_CLASS, VALIDATION_NODES = 20, 200
SAMPLE = ROOT / "samples" / "graph.npz"
AXES = {"x": {0: "nodes"}, "edge_index": {1: "edges"}, "logits": {0: "nodes"}}


class Gcn(torch.nn.Module):
    """x `[nodes, features]`, edge_index `[2, edges]` -> logits `[nodes, classes]`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = GCNConv(FEATURES, HIDDEN)
        self.act = torch.nn.ReLU()
        self.dropout = torch.nn.Dropout(0.5)
        self.conv2 = GCNConv(HIDDEN, CLASSES)

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        hidden = self.dropout(self.act(self.conv1(x, edge_index)))
        return self.conv2(hidden, edge_index)


def make(steps: int | None, reuse: bool) -> None:
    """Write `samples/graph.npz` and `models/gcn/`."""
    graph = make_graph(np.random.default_rng(0))
    SAMPLE.parent.mkdir(exist_ok=True)
    np.savez_compressed(SAMPLE, **graph)
    torch.manual_seed(0)
    model = Gcn()
    inputs = {name: torch.from_numpy(graph[name]) for name in ("x", "edge_index")}
    schedule = Schedule(steps or 200, peak_learning_rate=1e-2, warmup_steps=0, weight_decay=5e-2)
    load_or_train(model, "gcn", reuse, lambda: train_model(model, inputs, graph, schedule))
    folder = ROOT / "models" / "gcn"
    path = folder / "model.onnx"
    export_onnx(model, inputs, path, "torchscript", 17, axes=AXES)
    difference = max_abs_difference(model, inputs, path)
    print(
        f"{path.name}: {path.stat().st_size:,} bytes, max |onnxruntime - torch| = {difference:.2e}"
    )
    taps = [Tap("0.mlp_pre", model.act, "input"), Tap("0.mlp_post", model.act, "output")]
    stored = {"file": "../../samples/graph.npz", "arrays": list(inputs)}
    functions = {"mlp_pre": "relu", "mlp_post": "relu"}
    write_golden(folder / "golden.json", model, taps, inputs, functions, stored)
    write_sites(folder / "sites.json", path, sites(model))
    report_accuracy(model, inputs, graph)


def make_graph(random: np.random.Generator) -> dict[str, np.ndarray]:
    """A stochastic block model with noisy binary features, and a train / validation / test split."""
    labels = random.permutation(np.arange(NODES) % CLASSES).astype(np.int64)
    same = labels[:, None] == labels[None, :]
    edges = np.triu(random.random((NODES, NODES)) < np.where(same, EDGE_SAME, EDGE_OTHER), 1)
    source, target = np.nonzero(edges | edges.T)
    own = np.arange(FEATURES)[None, :] % CLASSES == labels[:, None]
    x = random.random((NODES, FEATURES)) < np.where(own, FEATURE_OWN, FEATURE_OTHER)
    train = np.zeros(NODES, dtype=bool)
    for label in range(CLASSES):
        train[random.choice(np.nonzero(labels == label)[0], TRAIN_PER_CLASS, replace=False)] = True
    validation = np.zeros(NODES, dtype=bool)
    validation[random.choice(np.nonzero(~train)[0], VALIDATION_NODES, replace=False)] = True
    return {
        "x": x.astype(np.float32),
        "edge_index": np.stack([source, target]).astype(np.int64),
        "labels": labels,
        "train_mask": train,
        "val_mask": validation,
        "test_mask": ~(train | validation),
    }


def train_model(
    model: Gcn, inputs: dict[str, torch.Tensor], graph: dict[str, np.ndarray], schedule: Schedule
) -> None:
    """Full-graph training on the labels of the training nodes."""
    labels, mask = torch.from_numpy(graph["labels"]), torch.from_numpy(graph["train_mask"])

    def loss_of(_step: int) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(model(**inputs)[mask], labels[mask])

    train(model, loss_of, schedule)


def sites(model: Gcn) -> list[Site]:
    """The only activation function stands between the two layers."""
    first, second = model.conv1, model.conv2
    weights = [Weights("in", first.lin.weight, 0, first.bias), Weights("out", second.lin.weight, 1)]
    return [Site(f"0.{name}", HIDDEN, "relu", weights) for name in ("mlp_pre", "mlp_post")]


def report_accuracy(
    model: Gcn, inputs: dict[str, torch.Tensor], graph: dict[str, np.ndarray]
) -> None:
    """Accuracy on each part of the split."""
    with torch.no_grad():
        right = model(**inputs).argmax(1).numpy() == graph["labels"]
    parts = [
        f"{part} {right[graph[f'{part}_mask']].mean():.1%}" for part in ("train", "val", "test")
    ]
    print(f"{graph['edge_index'].shape[1]:,} edges; accuracy: {', '.join(parts)}")
