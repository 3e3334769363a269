"""All families, the important ones first."""

from . import berts, cnns, gpt, graphs, llamas, mlps, seq2seq, vision

FAMILIES = [
    *gpt.FAMILIES,
    *llamas.FAMILIES,
    *berts.FAMILIES,
    *seq2seq.FAMILIES,
    *vision.FAMILIES,
    *mlps.FAMILIES,
    *cnns.FAMILIES,
    *graphs.FAMILIES,
]
