"""All families, the important ones first."""

from . import berts, cnns, experts, gpt, graphs, llamas, mlps, seq2seq, vision

FAMILIES = [
    *gpt.FAMILIES,
    *llamas.FAMILIES,
    *berts.FAMILIES,
    *experts.FAMILIES,
    *seq2seq.FAMILIES,
    *vision.FAMILIES,
    *mlps.FAMILIES,
    *cnns.FAMILIES,
    *graphs.FAMILIES,
]
