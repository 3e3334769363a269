"""The tables of docs/real-models.md, from the rows that models.real.check has written."""

import json
import re
from collections import Counter
from pathlib import Path

from .fetch import LIST

PAGE = Path(__file__).parents[2] / "docs/real-models.md"
BEGIN, END = "<!-- tables: python3 -m models.real --write -->", "<!-- end of tables -->"


def write(results: Path) -> None:
    """Puts the tables between the two markers of the page: all models that were checked, last time or before."""
    names = [file["name"] for source in json.loads(LIST.read_text()) for file in source["files"]]
    paths = [results / f"{name.replace('/', '--')}.json" for name in names]
    rows = [json.loads(path.read_text()) for path in paths if path.exists()]
    page = PAGE.read_text()
    start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    PAGE.write_text(page[:start] + "\n\n" + tables(rows) + "\n" + page[end:])


def tables(rows: list[dict]) -> str:
    audited = [row for row in rows if row.get("audit", {}).get("exit") == 0]
    exact = [row for row in audited if not row["unequal"]]
    sites = sum(row["equal"] + len(row["unequal"]) for row in audited)
    equal = sum(row["equal"] for row in audited)
    loads = [row["timing"]["load"] for row in rows if row.get("timing")]
    busy = (
        f" Times were measured with a load average of {min(loads):.1f} to {max(loads):.1f}." if loads else ""
    )
    lines = [
        f"{len(rows)} files: {len(audited)} audited, {len(rows) - len(audited)} refused. {len(exact)} of the "
        f"{len(audited)} have NumPy's counters at every site ({equal} of {sites} sites).{busy}",
        "",
        "| file | exporter | opset | MB | sites | functions | dead | equal | sums | time | MB of memory |",
        "| --- | --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |",
        *(line(row) for row in rows),
        "",
        "### What is not a site, or not audited",
        "",
        *(note for row in rows for note in notes(row)),
        "",
    ]
    return "\n".join(lines)


def line(row: dict) -> str:
    if "problem" in row:
        return f"| {row['name']} | | | | | {row['problem'][:80]} | | | | | |"
    found = sum(row["activations"].values())
    total = found + len(row["misses"])
    functions = ", ".join(sorted(row["activations"])) or "none"
    ended = row["audit"]["exit"] == 0
    sites = row["equal"] + len(row["unequal"])
    timing, peak = row.get("timing"), row["audit"].get("peakBytes")
    cells = [
        row["name"].removesuffix(".onnx"),
        row["producer"] or "not named",
        row["opset"].removeprefix("onnx "),
        f"{row['bytes'] / 1e6:.1f}",
        str(row["sites"]),
        f"{found} of {total}: {functions}" if total else "none found",
        f"{row['dead']} of {row['neurons']:,}" if ended else "",
        f"{row['equal']} of {sites}" if ended else "refused",
        f"{row['sumError']:.0e}" if ended else "",
        f"{timing['audit'] / timing['forward']:.1f}" if timing and timing.get("audit") else "",
        f"{peak / 1e6:.0f} / {timing['forwardPeakBytes'] / 1e6:.0f}"
        if timing and peak
        else f"{(peak or 0) / 1e6:.0f}"
        if ended
        else "",
    ]
    return f"| {' | '.join(cells)} |"


def notes(row: dict) -> list[str]:
    """One line a reason: how often, and why."""
    if "problem" in row:
        return []
    found = []
    if row["audit"]["exit"] != 0:
        found.append(f"refused: {first_sentence(row['audit']['message'])}")
    reasons = Counter(plain(reason) for reason in row["misses"] + row.get("missedAttention", []))
    found += [f"{count} × {reason}" for reason, count in reasons.most_common()]
    found += [f"{each['site']}: {'; '.join(each['why'])}" for each in row["unequal"][:5]]
    return [f"- **{row['name'].removesuffix('.onnx')}**: {each}" for each in found]


def first_sentence(message: str) -> str:
    """Returns the first sentence: those that follow name misses, which have lines of their own, and what to do."""
    return message.removeprefix("audit: ").split("\n")[0].split(". ")[0].rstrip(".") + "."


def plain(reason: str) -> str:
    """A miss without the names of nodes, so that equal ones can be counted."""
    reason = re.sub(r" at \S+?(:? )", r"\1", reason, count=1)
    reason = re.sub(r"from \S+ to \S+ ", "", reason)
    reason = re.sub(r"(follows) \S+", r"\1 it", reason)
    return re.sub(r" \((?!0\.)[^()]*\)$", "", reason)
