"""Counters of neurons, in NumPy: what the auditor's numbers are held against."""

from dataclasses import dataclass

import numpy as np

# Positions whose float64 copies are in memory at once.
BLOCK = 65536


@dataclass
class Counters:
    """Of one site, each array [neurons]."""

    positions: int
    fired: np.ndarray
    positive: np.ndarray
    min: np.ndarray
    max: np.ndarray
    sum: np.ndarray
    sum_abs: np.ndarray
    sum_squares: np.ndarray

    def merged(self, other: "Counters") -> "Counters":
        pairs = {name: (getattr(self, name), getattr(other, name)) for name in self.__dataclass_fields__}
        lowest, highest = np.minimum(*pairs.pop("min")), np.maximum(*pairs.pop("max"))
        return Counters(min=lowest, max=highest, **{name: a + b for name, (a, b) in pairs.items()})


def reduced(values: np.ndarray, axis: int, threshold: float, mask: np.ndarray | None) -> Counters:
    """Reduces a tensor whose neurons lie on `axis`; positions where a mask of the same size is 0 are left out."""
    rows = np.moveaxis(values, axis, -1).reshape(-1, values.shape[axis])
    if mask is not None and mask.size == len(rows):
        rows = rows[mask.reshape(-1) != 0]
    blocks = [rows[start : start + BLOCK] for start in range(0, max(1, len(rows)), BLOCK)]
    counters = [of_block(block, threshold) for block in blocks]
    total = counters[0]
    for each in counters[1:]:
        total = total.merged(each)
    return total


def of_block(rows: np.ndarray, threshold: float) -> Counters:
    """Reduces [positions, neurons] in float64; numbers that are not finite are left out."""
    wide = rows.astype(np.float64)
    finite = np.isfinite(wide)
    counted = np.where(finite, wide, 0)
    return Counters(
        positions=len(rows),
        fired=(np.abs(counted) > threshold).sum(0),
        positive=(counted > 0).sum(0),
        min=np.where(finite, wide, np.inf).min(0, initial=np.inf).astype(np.float32),
        max=np.where(finite, wide, -np.inf).max(0, initial=-np.inf).astype(np.float32),
        sum=counted.sum(0),
        sum_abs=np.abs(counted).sum(0),
        sum_squares=(counted**2).sum(0),
    )


def differences(site: dict, expected: Counters, decode) -> list[str]:
    """Returns a phrase for every counter of a reported site that is not the expected one; `decode` reads its arrays."""
    found = []
    if site["positions"] != expected.positions:
        found.append(f"positions {site['positions']} for {expected.positions}")
    for name in ("fired", "positive", "min", "max"):
        actual, wanted = decode(site["perNeuron"][name]), getattr(expected, name)
        if actual.shape != wanted.shape:
            found.append(f"{name} of {actual.size} neurons for {wanted.size}")
        elif np.any(actual != wanted):
            worst = np.max(np.abs(actual - wanted))
            found.append(
                f"{name} of {np.sum(actual != wanted)}/{actual.size} neurons, by {worst:.3g} at most"
            )
    error = sum_error(site, expected, decode)
    if error > rounding(expected.positions):
        found.append(f"sums by {error:.2g} of the sum of magnitudes")
    return found


def sum_error(site: dict, expected: Counters, decode) -> float:
    """Returns the largest error of a sum over positions, as a share of the sum of the terms' magnitudes."""
    # A term below the smallest float32 is lost: with these, no loss is more than a rounding.
    floor = expected.positions * 2.0**-102
    worst = 0.0
    for name, field in (("sum", "sum"), ("sumAbs", "sum_abs"), ("sumSquares", "sum_squares")):
        actual, wanted = decode(site["perNeuron"][name]), getattr(expected, field)
        scale = expected.sum_squares if field == "sum_squares" else expected.sum_abs
        if actual.shape == wanted.shape:
            worst = max(worst, float(np.max(np.abs(actual - wanted) / np.maximum(scale, floor))))
    return worst


def rounding(positions: int) -> float:
    """Largest relative error of a float32 sum of that many terms (Higham, Accuracy and Stability, equation 4.4)."""
    return 2.0**-24 * max(64, positions)
