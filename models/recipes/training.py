"""One training loop for all models: AdamW, optional warm-up, cosine decay, a log line now and then."""

import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

#: Trained weights are kept here, so that an export can be made again without training.
CHECKPOINTS = Path(tempfile.gettempdir()) / "activation-auditor-models"


@dataclass(frozen=True)
class Schedule:
    """How long and how hard to train. `final` is the last learning rate over the peak."""

    steps: int
    peak_learning_rate: float
    warmup_steps: int = 100
    weight_decay: float = 0.01
    final: float = 0.05
    clip: float | None = 1.0

    def learning_rate(self, step: int) -> float:
        """Linear warm-up, then half a cosine down to `final` times the peak."""
        if step < self.warmup_steps:
            return self.peak_learning_rate * (step + 1) / self.warmup_steps
        progress = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        share = self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * progress))
        return self.peak_learning_rate * share


def train(
    model: torch.nn.Module,
    loss_of: Callable[[int], torch.Tensor],
    schedule: Schedule,
    log_every: int = 50,
) -> None:
    """Minimise `loss_of(step)`; the model is left in evaluation mode."""
    optimizer = torch.optim.AdamW(
        model.parameters(), betas=(0.9, 0.98), weight_decay=schedule.weight_decay
    )
    model.train()
    started, total = time.time(), 0.0
    for step in range(schedule.steps):
        for group in optimizer.param_groups:
            group["lr"] = schedule.learning_rate(step)
        loss = loss_of(step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if schedule.clip is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), schedule.clip)
        optimizer.step()
        total += loss.item()
        if (step + 1) % log_every == 0:
            seconds = time.time() - started
            print(f"step {step + 1:5d}  loss {total / log_every:.4f}  {seconds:.0f} s", flush=True)
            total = 0.0
    model.eval()


def load_or_train(
    model: torch.nn.Module, name: str, reuse: bool, training: Callable[[], None]
) -> None:
    """Run `training` and keep the weights, or with `reuse` take the ones kept last time."""
    path = CHECKPOINTS / f"{name}.pt"
    if reuse:
        model.load_state_dict(torch.load(path, weights_only=True))
        model.eval()
        return
    training()
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), path)
