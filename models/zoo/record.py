"""What PyTorch hooks see at each site."""

from collections import defaultdict

import numpy as np
import torch

from models.recipes.golden import BORDER, THRESHOLD, layout, statistics
from models.recipes.onnx_files import Inputs

from .family import Family
from .sites import Site, Tap


def record(model: torch.nn.Module, sites: list[Site], inputs: Inputs) -> dict[str, np.ndarray]:
    """One forward pass; the activations of each site with the neurons on the last axis."""
    seen: dict[tuple[int, str], list[torch.Tensor]] = defaultdict(list)
    ends = {(id(site.tap.module), site.tap.end): site.tap.module for site in sites}

    def keep(key: tuple[int, str]):
        def hook(_module, args, kwargs, output):
            value = output if key[1] == "output" else (args or tuple(kwargs.values()))
            seen[key].append((value[0] if isinstance(value, tuple) else value).detach())

        return hook

    handles = [
        module.register_forward_hook(keep(key), with_kwargs=True) for key, module in ends.items()
    ]
    try:
        with torch.no_grad():
            model(**inputs)
    finally:
        for handle in handles:
            handle.remove()
    return {site.id: activation(site.tap, seen) for site in sites}


def activation(tap: Tap, seen: dict[tuple[int, str], list[torch.Tensor]]) -> np.ndarray:
    """A tap's value, neurons last."""
    value = seen[id(tap.module), tap.end][tap.call].movedim(tap.axis, -1)
    value = tap.then(value) if tap.then else value
    start, end = tap.neurons or (0, value.shape[-1])
    return value[..., start:end].contiguous().numpy()


def golden_json(family: Family, sites: list[Site], inputs: Inputs, seen: dict[str, np.ndarray]) -> str:
    """Inputs and, neuron by neuron, the counters of each site reduced in float64; padding left out."""
    entries = []
    for site in sites:
        values = seen[site.id]
        rows = values.reshape(-1, values.shape[-1])
        mask = mask_of(family, site, inputs, values)
        if mask is not None:
            rows = rows[mask]
        entries.append(
            {"id": site.id, "activation": site.activation, "neurons": rows.shape[1]} | statistics(rows)
        )
    stored = {
        name: {"dtype": str(value.dtype).removeprefix("torch."), "data": value.tolist()}
        for name, value in inputs.items()
    }
    header = {
        "threshold": THRESHOLD, "border": BORDER, "torch": torch.__version__.split("+")[0], "inputs": stored,
    }  # fmt: skip
    return layout(header, entries)


def mask_of(family: Family, site: Site, inputs: Inputs, values: np.ndarray) -> np.ndarray | None:
    """The attention mask of the site's stack, flattened, if there is one."""
    stack = site.id.split(".")[0]
    name = family.masks.get("" if stack.isdigit() else stack)
    if name not in inputs:
        return None
    mask = inputs[name].reshape(-1).bool().numpy()
    return mask if len(mask) == values.reshape(-1, values.shape[-1]).shape[0] else None
