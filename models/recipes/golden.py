"""Golden activation statistics: what PyTorch forward hooks see at each site, neuron by neuron."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

#: A neuron fires where |a| > THRESHOLD.
THRESHOLD = 1e-3

#: Values this close to a limit may fall on its other side in another runtime.
BORDER = 2e-6

DIGITS = 9


@dataclass(frozen=True)
class Tap:
    """Where a site's activation `[..., neurons]` is read: at a module's input or its output."""

    site: str
    module: torch.nn.Module
    end: str  # "input" or "output"


def record(
    model: torch.nn.Module, taps: list[Tap], inputs: dict[str, torch.Tensor]
) -> dict[str, np.ndarray]:
    """One forward pass; the float32 activations of each site as `[positions, neurons]`."""
    seen: dict[str, np.ndarray] = {}

    def keep(tap: Tap):
        def hook(_module, args, output):
            value = args[0] if tap.end == "input" else output
            seen[tap.site] = value.detach().reshape(-1, value.shape[-1]).numpy()

        return tap.module.register_forward_hook(hook)

    handles = [keep(tap) for tap in taps]
    try:
        with torch.no_grad():
            model(**inputs)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def statistics(activation: np.ndarray) -> dict[str, object]:
    """Counters of one site from its activations `[positions, neurons]`, reduced in float64."""
    a = activation.astype(np.float64)
    size = np.abs(a)
    near_zero = (size < BORDER) & (a != 0)
    return {
        "positions": len(a),
        "fired": (size > THRESHOLD).sum(0).tolist(),
        "firedBorderline": (np.abs(size - THRESHOLD) < BORDER).sum(0).tolist(),
        "positive": (a > 0).sum(0).tolist(),
        "positiveBorderline": near_zero.sum(0).tolist(),
        "sum": rounded(a.sum(0)),
        "sumAbs": rounded(size.sum(0)),
        "sumSquares": rounded((a * a).sum(0)),
        "min": rounded(a.min(0)),
        "max": rounded(a.max(0)),
    }


def rounded(values: np.ndarray) -> list[float]:
    """The values with nine significant digits, which identify a float32."""
    return [float(f"{value:.{DIGITS}g}") for value in values]


def write_golden(
    path: Path,
    model: torch.nn.Module,
    taps: list[Tap],
    inputs: dict[str, torch.Tensor],
    activations: dict[str, str],
    stored: dict[str, object],
) -> None:
    """Record `inputs` and write `golden.json`; `stored` says where the inputs are, or holds them.

    Positions whose `attention_mask` is 0 are left out. `activations` names each site's activation
    function by the part of its id after the layer.
    """
    seen = record(model, taps, inputs)
    mask = inputs.get("attention_mask")
    sites = []
    for tap in taps:
        activation = seen[tap.site]
        if mask is not None:
            activation = activation[mask.reshape(-1).bool().numpy()]
        function = activations.get(tap.site.split(".", 1)[1])
        head = {"id": tap.site, "activation": function, "neurons": activation.shape[1]}
        sites.append(head | statistics(activation))
    header = {
        "threshold": THRESHOLD,
        "border": BORDER,
        "torch": torch.__version__.split("+")[0],
        "inputs": stored,
    }
    path.write_text(layout(header, sites), encoding="utf-8")


def layout(header: dict[str, object], sites: list[dict[str, object]]) -> str:
    """JSON with one line for each input and each counter of a site."""
    lines = ["{"]
    lines += [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in header.items()]
    lines.append('  "sites": [')
    for index, site in enumerate(sites):
        fields = [
            f"      {json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}"
            for k, v in site.items()
        ]
        lines += ["    {", ",\n".join(fields), "    }," if index + 1 < len(sites) else "    }"]
    return "\n".join([*lines, "  ]", "}", ""])


def stored_tokens(inputs: dict[str, torch.Tensor]) -> dict[str, object]:
    """Token inputs `[batch, sequence]` written out in full."""
    return {name: {"dtype": "int64", "data": value.tolist()} for name, value in inputs.items()}
