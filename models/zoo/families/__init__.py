"""All families, the important ones first."""

from . import gpt, llamas, berts

FAMILIES = [*gpt.FAMILIES, *llamas.FAMILIES, *berts.FAMILIES]
