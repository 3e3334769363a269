"""`models/gpt2`: GELU (tanh form, transformers' `gelu_new`), TorchScript exporter."""

from .causal_lm import CausalLm, make_causal_lm
from .training import Schedule

RECIPE = CausalLm(
    name="gpt2",
    activation="gelu_new",
    site_activation="gelu_tanh",
    exporter="torchscript",
    opset=17,
    schedule=Schedule(steps=1200, peak_learning_rate=3e-3),
)


def make(steps: int | None, reuse: bool) -> None:
    """Write `models/gpt2/`."""
    make_causal_lm(RECIPE, steps, reuse)
