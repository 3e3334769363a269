"""The table of files, from `files/index.json`: `python -m models.zoo.table` writes it into README.md."""

import json
import re
from pathlib import Path

HERE = Path(__file__).parent
START, END = "<!-- table -->", "<!-- end of table -->"


def main() -> None:
    index = json.loads((HERE / "files" / "index.json").read_text())
    made = {name: facts for name, facts in index.items() if "failed" not in facts}
    failed = {name: facts for name, facts in index.items() if "failed" in facts}
    lines = [
        START,
        "",
        f"{len(made)} files, {sum(facts['bytes'] for facts in made.values()):,} bytes.",
        "",
        "| file | family | exporter | opset | bytes | sites | largest difference from PyTorch |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: |",
        *(row(name, facts) for name, facts in made.items()),
        "",
        "Exports that failed:",
        "",
        *(f"- `{name}`: {plain(facts['failed'])}" for name, facts in failed.items()),
        "",
        END,
    ]
    path = HERE / "README.md"
    text = path.read_text()
    before, after = text.split(START)[0], text.split(END)[1]
    path.write_text(before + "\n".join(lines) + after)


def plain(text: str) -> str:
    """Without terminal colours."""
    return re.sub("\x1b\\[[0-9;]*m", "", text)


def row(name: str, facts: dict) -> str:
    exporter = facts["exporter"] + (f" (`{facts['note']}`)" if facts["note"] else "")
    cells = (name, facts["family"], exporter, facts["opset"], f"{facts['bytes']:,}", facts["sites"], facts["difference"])
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


if __name__ == "__main__":
    main()
