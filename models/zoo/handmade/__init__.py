"""Graphs written node by node, for operators that no exporter here emits."""

HANDMADE: list = []
