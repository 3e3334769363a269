"""The commands that are checked: inspect, audit, and the bench of an audited pass against a forward pass."""

import json
import os
import subprocess
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
AUDIT = ["node", str(ROOT / "dist/src/cli/main.js")]
BENCH = ["node", str(ROOT / "dist/bench/arrays-vs-forward.js")]
TIME_LIMIT_SECONDS = 900


def inspected(path: Path) -> dict:
    """Returns the sites and activation functions that `audit inspect` finds, and its misses."""
    done = subprocess.run([*AUDIT, "inspect", path, "--explain", "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        return {"sites": 0, "activations": {}, "misses": [done.stderr.strip()], "biases": {}}
    found = json.loads(done.stdout)
    functions = Counter(
        site["activation"] for site in found["sites"] if site["site"] != "mlp_pre" and site["activation"]
    )
    return {
        "sites": len(found["sites"]),
        "activations": dict(functions),
        "misses": [miss["reason"] for miss in found["misses"] if miss["what"] != "attention"],
        "missedAttention": [miss["reason"] for miss in found["misses"] if miss["what"] == "attention"],
        "biases": {site["id"]: site["plus"] for site in found["sites"]},
    }


def audited(path: Path, data: Path, feeds: dict) -> tuple[dict | None, dict]:
    """Returns the report, or None, and how the command ended."""
    target = data.with_suffix(".report.json")
    target.unlink(missing_ok=True)
    rows = max((value.shape[0] for value in feeds.values() if value.ndim), default=1)
    options = ["--tokens", "all", "--batch-size", str(rows), "--threads", "1", "--report", str(target)]
    command = [*AUDIT, str(path), "--data", str(data), *options, "--quiet", "--no-progress", "--no-hash"]
    start = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        return None, {"exit": None, "message": f"not finished after {TIME_LIMIT_SECONDS} s"}
    ended = {"exit": done.returncode, "seconds": time.monotonic() - start, "message": done.stderr.strip()}
    if not target.exists():
        return None, ended
    report = json.loads(target.read_text())
    runtime = report["runtime"]
    return report, ended | {"runSeconds": runtime["durationSeconds"], "peakBytes": runtime["peakRssBytes"]}


def timed(path: Path, data: Path, audit_seconds: float) -> dict:
    """Returns seconds of a forward pass and of an audited one, and the peak of memory of forward passes alone."""
    rounds, runs = "5" if audit_seconds < 5 else "1", {}
    for key, options in (("both", []), ("alone", ["--forward-only"])):
        command = [*BENCH, path, data, "--rounds", rounds, *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT_SECONDS)
        runs[key] = json.loads(done.stdout) if done.returncode == 0 else {}
    both, alone = runs["both"], runs["alone"]
    if not both or not alone:
        return {}
    return {
        "forward": both["forward"],
        "audit": both["audit"],
        "forwardPeakBytes": alone["peakBytes"],
        "load": os.getloadavg()[0],
    }
