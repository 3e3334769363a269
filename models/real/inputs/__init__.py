"""Inputs for real models: plausible signals, pictures and texts, always the same."""

from fnmatch import fnmatch

import numpy as np

from . import graphs, pictures, sound, tables, words
from .cache import Cache

RECIPES = {**graphs.RECIPES, **pictures.RECIPES, **sound.RECIPES, **tables.RECIPES, **words.RECIPES}


def inputs_of(name: str, cache: Cache) -> dict[str, np.ndarray]:
    """Returns the arrays to feed to a model of the list, by the names of its inputs."""
    for pattern, recipe in RECIPES.items():
        if fnmatch(name, pattern):
            return {
                key: np.asarray(value, order="C")
                for key, value in recipe(cache.input_names(name), cache).items()
            }
    raise SystemExit(f"{name}: no recipe in models/real/inputs makes its inputs.")
