"""`models/gpt2-relu`: ReLU, and trained roughly on purpose so that neurons really die.

No warm-up, a learning rate several times what the model likes, and no gradient clipping: the first
large steps push some neurons' biases below anything their inputs can reach, where ReLU has no gradient.
"""

from .causal_lm import CausalLm, make_causal_lm
from .training import Schedule

RECIPE = CausalLm(
    name="gpt2-relu",
    activation="relu",
    site_activation="relu",
    exporter="dynamo",
    opset=20,
    schedule=Schedule(
        steps=800, peak_learning_rate=8e-3, warmup_steps=0, weight_decay=0.1, clip=None
    ),
)


def make(steps: int | None, reuse: bool) -> None:
    """Write `models/gpt2-relu/`."""
    make_causal_lm(RECIPE, steps, reuse)
