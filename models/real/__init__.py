"""Real pretrained models from registry packages, audited and checked (see docs/real-models.md)."""
