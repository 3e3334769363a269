"""WikiText-2: where it is, how it reads, and how it becomes training text."""

import gzip
import os
import re
from pathlib import Path

#: The repository's root.
ROOT = Path(__file__).resolve().parents[2]

#: A level-1 heading: ` = Title = ` but not ` = = Section = = `.
TITLE = re.compile(r"^ = [^=].* = $")

#: What WikiText's word tokenizer did, undone in this order.
SPACING = (
    (re.compile(r" @(.)@ "), r"\1"),
    (re.compile(r" ([,.;:!?)\]%])"), r"\1"),
    (re.compile(r"([(\[$£]) "), r"\1"),
    (re.compile(r" (n't|'s|'re|'ve|'ll|'d|'m)\b"), r"\1"),
    (re.compile(r'" ([^"]*) "'), r'"\1"'),
)


def data_dir() -> Path:
    """The folder with `wikitext-2/`: AUDIT_DATA_DIR, else `../shared/data` beside the repository."""
    return Path(os.environ.get("AUDIT_DATA_DIR") or ROOT.parent / "shared" / "data")


def read_wikitext(split: str) -> str:
    """One split (`train`, `valid`, `test`) as it stands in its file, gzipped or not."""
    folder = data_dir() / "wikitext-2"
    plain, packed = folder / f"wiki.{split}.tokens", folder / f"wiki.{split}.tokens.gz"
    if plain.exists():
        return plain.read_text(encoding="utf-8")
    if packed.exists():
        return gzip.decompress(packed.read_bytes()).decode("utf-8")
    raise SystemExit(
        f"Expected {plain} or {packed.name} beside it; set AUDIT_DATA_DIR to the data folder"
    )


def training_text() -> list[str]:
    """The articles of the train split, every second one respaced as ordinary text.

    A model that only ever saw ` , ` and ` @-@ ` would find normal prose surprising.
    """
    articles = split_articles(read_wikitext("train"))
    return [respaced(text) if index % 2 else text for index, text in enumerate(articles)]


def split_articles(text: str) -> list[str]:
    """The articles of a split, in order."""
    articles: list[list[str]] = [[]]
    for line in text.split("\n"):
        if TITLE.match(line) and articles[-1]:
            articles.append([])
        articles[-1].append(line)
    return ["\n".join(lines) for lines in articles]


def respaced(text: str) -> str:
    """`It 's 3 @.@ 5 , or so .` becomes `It's 3.5, or so.`"""
    for pattern, replacement in SPACING:
        text = pattern.sub(replacement, text)
    return "\n".join(line.strip() for line in text.split("\n"))
