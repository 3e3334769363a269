"""`models/gcn/smoothing.json`: over-smoothing of the sample graph's embeddings, computed with NumPy.

Run with `python -m recipes.smoothing` in `models/`. The definitions are those of docs/graphs.md, in
matrix form, so that they share no step with the auditor, which sums over pairs.
"""

import json

import numpy as np
import onnx
import onnxruntime

from .text import ROOT


def main() -> None:
    """Write the measures of `0.mlp_post` and of the output."""
    folder = ROOT / "models" / "gcn"
    with np.load(ROOT / "samples" / "graph.npz") as file:
        graph = {name: file[name] for name in ("x", "edge_index")}
    found = embeddings(folder / "model.onnx", graph)
    measures = {name: smoothing(x.astype(np.float64), graph["edge_index"]) for name, x in found.items()}
    (folder / "smoothing.json").write_text(json.dumps(measures, indent=2) + "\n")
    print(measures)


def embeddings(path, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Output of the model's only ReLU, and of its last layer, [nodes, features] each."""
    model = onnx.load(path)
    (relu,) = (node.output[0] for node in model.graph.node if node.op_type == "Relu")
    last = next((node.input[0] for node in model.graph.node if "Softmax" in node.op_type), model.graph.output[0].name)
    for name in {relu, last} - {output.name for output in model.graph.output}:
        model.graph.output.append(onnx.ValueInfoProto(name=name))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return dict(zip(["0.mlp_post", "1.output"], session.run([relu, last], feeds), strict=True))


def smoothing(x: np.ndarray, edge_index: np.ndarray) -> dict[str, float]:
    """All measures of X [nodes, features] from its Laplacians and its singular values."""
    nodes = len(x)
    adjacency = np.zeros((nodes, nodes))
    adjacency[edge_index[1], edge_index[0]] = 1
    np.fill_diagonal(adjacency, 0)
    assert (adjacency == adjacency.T).all(), "the sample graph is undirected"
    degrees = adjacency.sum(1)
    scaled = x / np.sqrt(1 + degrees)[:, None]
    norms = np.linalg.norm(x, axis=1)
    zero = (norms == 0).astype(float)
    unit = np.column_stack([x / np.where(norms == 0, 1, norms)[:, None], zero])
    singular = np.linalg.svd(x, compute_uv=False)
    shares = singular[singular > 1e-7 * singular[0]] / singular.sum()
    return {
        # sum over ordered pairs of |x_i - x_j|^2 = 2 tr(X' L X), L = D - A
        "dirichletEnergy": float(np.sqrt(2 * quadratic(degrees, adjacency, x) / nodes)),
        "distanceToMean": float(np.linalg.norm(x - x.mean(0))),
        "degreeNormalisedDirichletEnergy": float(quadratic(degrees, adjacency, scaled)),
        "meanAverageDistance": float((adjacency.sum() - np.sum(unit * (adjacency @ unit))) / nodes),
        "effectiveRank": float(np.exp(-np.sum(shares * np.log(shares)))),
        "zeroShare": float((x == 0).mean()),
    }


def quadratic(degrees: np.ndarray, adjacency: np.ndarray, x: np.ndarray) -> float:
    """tr(X' (D - A) X)."""
    return np.sum(x * (degrees[:, None] * x - adjacency @ x))


if __name__ == "__main__":
    main()
