"""Make the zoo.

    python -m models.zoo.build [--only NAME…] [--out DIR]

NAME is a family (`llama`), an exporter (`ts17`), a file (`llama-ts17`), or a pattern of these (`gpt*`). For each file
`<file>.sites.json` is written beside it, and for some families `<family>.golden.json`; `index.json` lists all files.
"""

import argparse
import io
import json
import logging
import os
import traceback
import warnings
from contextlib import redirect_stdout
from fnmatch import fnmatch
from math import isfinite
from pathlib import Path

import onnx
import torch

from models.recipes.onnx_files import Inputs

from .check import inner_tensors, output_difference
from .expected import sites_json
from .exporters import EXPORTERS
from .exporters.job import Job, Product, Unavailable
from .families import FAMILIES
from .family import Family
from .record import golden_json, record
from .sites import Site
from .weights import randomised

DEFAULT_OUT = Path(__file__).parent / "files"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="families, exporters, files, or patterns of these")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    options = parser.parse_args()
    quiet()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.only is None:
        for path in options.out.iterdir():
            path.unlink()
    for family in FAMILIES:
        tags = [tag for tag in family.exporters if chosen(family.name, tag, options.only)]
        try:
            if tags:
                build(family, tags, options.out)
        except Unavailable as problem:
            print(f"{family.name}: skipped, {problem}", flush=True)


def chosen(family: str, tag: str, only: list[str] | None) -> bool:
    names = (family, tag, f"{family}-{tag}")
    return only is None or any(fnmatch(name, pattern) for name in names for pattern in only)


def build(family: Family, tags: list[str], out: Path) -> None:
    """Make a family's files through some exporters."""
    torch.manual_seed(0)
    model, inputs = randomised(family.make()), family.inputs()
    sites = family.sites(model)
    with torch.no_grad():
        expected = first_output(model(**inputs))
    seen = record(model, sites, inputs)
    golden = out / f"{family.name}.golden.json"
    if family.golden and not all("optimum" in tag for tag in tags):
        golden.write_text(golden_json(family, sites, inputs, seen))
    for tag in tags:
        job = Job(family, model, inputs, out, tag)
        try:
            with redirect_stdout(io.StringIO()):
                products = EXPORTERS[tag](job)
            for product in products:
                finish(family, product, tag, inputs, expected, sites, seen, out)
        except Unavailable as problem:
            print(f"{family.name}-{tag}: skipped, {problem}", flush=True)
        except Exception as problem:
            job.path().unlink(missing_ok=True)
            note(out, f"{family.name}-{tag}.onnx", {"family": family.name, "exporter": tag, "failed": first_line(problem)})
            print(f"{family.name}-{tag}: FAILED {first_line(problem)}", flush=True)
            if "TRACE" in os.environ:
                traceback.print_exc()


def finish(
    family: Family, product: Product, tag: str, inputs: Inputs, expected: torch.Tensor,
    sites: list[Site], seen: dict, out: Path,
) -> None:  # fmt: skip
    """Compare a file with PyTorch, write its sites, and list it."""
    slim(product.path, family.name)
    feeds = inputs if product.inputs is None else product.inputs
    wanted = expected if product.expected is None else product.expected
    difference = output_difference(product.path, feeds, wanted)
    tensors = inner_tensors(product.path, feeds) if product.comparable else None
    found = sites_json(family, product, sites, seen, tensors)
    path = product.path.with_suffix(".sites.json")
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    entries = found["sites"]
    missing = [entry["id"] for entry in entries if "weights" not in entry and "noWeightsReason" not in entry]
    absent = [entry["id"] for entry in entries if entry.get("tensors") == []]
    facts = {
        "family": family.name, "exporter": tag, "opset": opset_of(product.path), "bytes": size_of(product.path),
        "sites": len(entries), "difference": float(f"{difference:.1e}"), "tolerance": product.tolerance if isfinite(product.tolerance) else None,
        "weightsUnknown": len(missing), "noTensor": absent, "note": product.note,
    }  # fmt: skip
    note(out, product.path.name, facts)
    flag = "" if difference <= product.tolerance else "  TOO FAR"
    print(
        f"{product.path.name:36} {facts['bytes']:8,} bytes {len(entries):3} sites, differs {difference:.1e}{flag}"
        + (f", weights unknown at {len(missing)}: {missing[:4]}" if missing else "")
        + (f", no tensor at {absent[:6]}" if absent else ""),
        flush=True,
    )


def note(out: Path, name: str, facts: dict[str, object]) -> None:
    """Put a file's line into `index.json`."""
    path = out / "index.json"
    index = json.loads(path.read_text()) if path.exists() else {}
    index[name] = facts
    lines = [f"{json.dumps(key)}: {json.dumps(index[key])}" for key in sorted(index)]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def slim(path: Path, family: str) -> None:
    """The class hierarchy at every node is a third of a tiny dynamo file: only GPT-2 keeps it."""
    if family == "gpt2":
        return
    model = onnx.load(path, load_external_data=False)
    for node in [*model.graph.node, *(node for function in model.functions for node in function.node)]:
        kept = [entry for entry in node.metadata_props if "class_hierarchy" not in entry.key]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    path.write_bytes(model.SerializeToString())


def opset_of(path: Path) -> int:
    opsets = onnx.load(path, load_external_data=False).opset_import
    return next(entry.version for entry in opsets if entry.domain in ("", "ai.onnx"))


def size_of(path: Path) -> int:
    data = path.with_name(path.name + ".data")
    return path.stat().st_size + (data.stat().st_size if data.exists() else 0)


def first_output(result: object) -> torch.Tensor:
    return result if isinstance(result, torch.Tensor) else result[0]


def first_line(problem: Exception) -> str:
    text = str(problem).strip().splitlines() or [""]
    return f"{type(problem).__name__}: {text[0][:200]}"


def quiet() -> None:
    """Exporters talk a lot."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)


if __name__ == "__main__":
    main()
