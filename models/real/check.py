"""Audits real models and holds every counter against NumPy.

    python3 -m models.real [--only PATTERN…] [--cache DIR] [--timing] [--write]

See docs/real-models.md.
"""

import argparse
import base64
import json
from pathlib import Path

import numpy as np
import onnx

from . import table
from .axes import Axes
from .commands import audited, inspected, timed
from .exposed import Exposed
from .fetch import default_cache, fetch
from .inputs import inputs_of
from .inputs.cache import Cache
from .reduce import differences, reduced, sum_error

TYPES = {"f64": np.float64, "f32": np.float32}


def check(name: str, cache: Cache) -> dict:
    """Returns one row of the table: what was found, and whether the counters are NumPy's."""
    path = cache.path(name)
    feeds = inputs_of(name, cache)
    data = data_file(name, cache)
    data.parent.mkdir(parents=True, exist_ok=True)
    np.savez(data, **feeds)
    model = onnx.load(path)
    row = {"name": name, "bytes": path.stat().st_size, **origin(model), **inspected(path)}
    report, row["audit"] = audited(path, data, feeds)
    if report is None:
        return row | {"equal": 0, "unequal": []}
    sites = report["sites"]
    row["dead"] = sum(site["dead"] for site in sites if site["site"] != "mlp_pre")
    row["neurons"] = sum(site["neurons"] for site in sites if site["site"] != "mlp_pre")
    row["warnings"] = [warning["message"] for warning in report["warnings"]]
    return row | compared(model, path, report, feeds, row.pop("biases"))


def data_file(name: str, cache: Cache) -> Path:
    return cache.folder / "inputs" / name.replace("/", "--").replace(".onnx", ".npz")


def origin(model: onnx.ModelProto) -> dict:
    opsets = [
        f"{each.domain or 'onnx'} {each.version}"
        for each in model.opset_import
        if each.domain in ("", "ai.onnx")
    ]
    return {
        "opset": opsets[0] if opsets else "",
        "producer": f"{model.producer_name} {model.producer_version}".strip(),
    }


def compared(model: onnx.ModelProto, path: Path, report: dict, feeds: dict, biases: dict) -> dict:
    """Returns how many sites have NumPy's counters, and the differences of the others."""
    sites, threshold = report["sites"], report["criterion"]["threshold"]
    axes, expected, notes = Axes(model), {}, {}
    exposed = Exposed(path, sorted({site["tensor"] for site in sites}))
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    for batch in batches(model, feeds):
        mask = batch.get("attention_mask")
        needed = {name: value for name, value in batch.items()}
        for tensor, values in exposed.values(needed):
            for site in (each for each in sites if each["tensor"] == tensor):
                axis = axes.axis(tensor, values.shape, site["neurons"])
                if axis is None:
                    notes[site["id"]] = (
                        f"{site['neurons']} neurons fit no axis, or several, of {list(values.shape)}"
                    )
                    continue
                bias = biases.get(site["id"])
                shifted = values if bias is None else values + onnx.numpy_helper.to_array(stored[bias])
                counters = reduced(shifted, axis, threshold, mask)
                before = expected.get(site["id"])
                expected[site["id"]] = counters if before is None else before.merged(counters)
    unequal = []
    for site in sites:
        counters = expected.get(site["id"])
        reasons = [notes.get(site["id"], f"no tensor {site['tensor']} in the file")]
        found = reasons if counters is None else differences(site, counters, decoded)
        if found:
            unequal.append({"site": site["id"], "tensor": site["tensor"], "why": found})
    errors = [sum_error(site, expected[site["id"]], decoded) for site in sites if site["id"] in expected]
    return {"equal": len(sites) - len(unequal), "unequal": unequal, "sumError": max(errors, default=0.0)}


def batches(model: onnx.ModelProto, feeds: dict):
    """Yields the feeds, cut along the leading axis where the model fixes how many rows it takes."""
    rows = {value.shape[0] if value.ndim else None for value in feeds.values()}
    fixed = [
        value.type.tensor_type.shape.dim[0].dim_value
        for value in model.graph.input
        if value.name in feeds and value.type.tensor_type.shape.dim
    ]
    size = next((each for each in fixed if each > 0), None)
    if len(rows) != 1 or size is None:
        yield feeds
        return
    (count,) = rows
    for start in range(0, count - count % size, size):
        yield {name: value[start : start + size] for name, value in feeds.items()}


def decoded(array: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(array["data"]), TYPES[array["dtype"]])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, default=default_cache())
    parser.add_argument("--only", nargs="+", metavar="PATTERN")
    parser.add_argument("--timing", action="store_true", help="also measure; wants a quiet machine")
    parser.add_argument("--write", action="store_true", help="write the tables of docs/real-models.md")
    options = parser.parse_args()
    cache = Cache(options.cache)
    results = options.cache / "results"
    results.mkdir(exist_ok=True)
    names = [str(path.relative_to(options.cache / "models")) for path in fetch(options.cache, options.only)]
    for name in names:
        try:
            row = check(name, cache)
            if options.timing and row["audit"]["exit"] == 0:
                row["timing"] = timed(cache.path(name), data_file(name, cache), row["audit"]["seconds"])
        except Exception as problem:  # noqa: BLE001
            row = {"name": name, "problem": f"{type(problem).__name__}: {problem}"}
        (results / f"{name.replace('/', '--')}.json").write_text(json.dumps(row, indent=1))
        cache.close()
        print(summary(row), flush=True)
    if options.write:
        table.write(results)


def summary(row: dict) -> str:
    """Returns a row in a line or a few, for the terminal."""
    if "problem" in row:
        return f"{row['name']}: the check failed: {row['problem'][:300]}"
    audit = row["audit"]
    counts = f"{row['sites']} sites, {len(row['misses'])} missed, equal {row['equal']}, unequal {len(row['unequal'])}"
    sums = f"sums {row.get('sumError', 0):.1g}"
    lines = [f"{row['name']}: exit {audit['exit']}, {counts}, {sums}, {audit.get('seconds', 0):.1f} s"]
    if audit["exit"] != 0:
        lines.append(f"   {audit['message'][:300]}")
    lines += [f"   {each['site']} {each['why']}" for each in row["unequal"][:3]]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
