"""Graph networks of PyTorch Geometric, with edges as a list, and with a dense adjacency matrix."""

import torch
from torch import nn
from torch_geometric.nn import DenseGATConv, DenseGCNConv, GATConv, GATv2Conv, GCNConv, GINConv, SAGEConv, TransformerConv

from models.recipes.onnx_files import Inputs

from ..family import Family
from ..sites import Site, Tap, Weight, attention, incoming, mlp, outgoing, site_id

NODES, FEATURES, HIDDEN, CLASSES = 12, 8, 16, 3


class EdgeNet(nn.Module):
    """Three layers with an activation function between them; x `[nodes, features]`, edge_index `[2, edges]`."""

    def __init__(self, convs: list[nn.Module], act: nn.Module) -> None:
        super().__init__()
        self.convs = nn.ModuleList(convs)
        self.acts = nn.ModuleList(act for _ in convs[1:])

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        for conv, act in zip(self.convs, self.acts, strict=False):
            x = act(conv(x, edge_index))
        return self.convs[-1](x, edge_index).log_softmax(-1)


class DenseNet(nn.Module):
    """Kipf's own form: adj `[nodes, nodes]` times x times W, `torch.mm` throughout."""

    def __init__(self) -> None:
        super().__init__()
        widths = (FEATURES, HIDDEN, HIDDEN, CLASSES)
        self.weights = nn.ParameterList(torch.randn(pair) for pair in zip(widths, widths[1:], strict=False))
        self.biases = nn.ParameterList(torch.randn(width) for width in widths[1:])
        self.acts = nn.ModuleList(nn.ReLU() for _ in self.biases[1:])

    def forward(self, x: torch.Tensor, adj: torch.Tensor) -> torch.Tensor:
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.mm(adj, torch.mm(x, weight)) + bias
            if layer < len(self.acts):
                x = self.acts[layer](x)
        return x.log_softmax(-1)


class DenseGcn(nn.Module):
    """PyTorch Geometric's layer for dense, batched graphs: x `[batch, nodes, features]`."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList([DenseGCNConv(FEATURES, HIDDEN), DenseGCNConv(HIDDEN, CLASSES)])
        self.acts = nn.ModuleList([nn.ReLU()])

    def forward(self, x: torch.Tensor, adj: torch.Tensor) -> torch.Tensor:
        return self.convs[1](self.acts[0](self.convs[0](x, adj)), adj).log_softmax(-1)


class StoredDenseNet(DenseNet):
    """The same with its adjacency stored as a buffer: x `[nodes, features]` is all it takes."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("adj", adjacency()["adj"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x, self.adj)


class StoredEdgeNet(EdgeNet):
    """A network of one graph, whose edges are a buffer."""

    def __init__(self, convs: list[nn.Module], act: nn.Module) -> None:
        super().__init__(convs, act)
        self.register_buffer("edge_index", edges()["edge_index"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x, self.edge_index)


class ToDenseNet(DenseNet):
    """Makes the dense adjacency from its edges: self loops, degrees, D^-1/2 (A + I) D^-1/2."""

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        adj = torch.zeros(x.size(0), x.size(0))
        adj = adj.index_put((edge_index[1], edge_index[0]), torch.ones(edge_index.size(1)))
        adj = adj + torch.eye(x.size(0))
        scale = adj.sum(1).rsqrt()
        return super().forward(x, scale[:, None] * adj * scale[None, :])


class DenseAttention(nn.Module):
    """Graph attention written out over a dense adjacency: softmax over where(adj > 0, e, -9e15), one head, no bias."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features, width))
        self.source = nn.Parameter(torch.randn(width, 1))
        self.target = nn.Parameter(torch.randn(width, 1))

    def forward(self, x: torch.Tensor, adj: torch.Tensor) -> torch.Tensor:
        hidden = torch.mm(x, self.weight)
        scores = torch.matmul(hidden, self.source) + torch.matmul(hidden, self.target).T
        scores = nn.functional.leaky_relu(scores, 0.2)
        scores = torch.where(adj > 0, scores, torch.full_like(scores, -9e15))
        return torch.matmul(scores.softmax(1), hidden)


class DenseAttentionNet(nn.Module):
    """Two such layers; x `[nodes, features]`, adj `[nodes, nodes]`."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList([DenseAttention(FEATURES, 8), DenseAttention(8, CLASSES)])
        self.acts = nn.ModuleList([nn.ELU()])

    def forward(self, x: torch.Tensor, adj: torch.Tensor) -> torch.Tensor:
        return self.convs[1](self.acts[0](self.convs[0](x, adj)), adj).log_softmax(-1)


class DenseGat(nn.Module):
    """PyTorch Geometric's attention layer for dense, batched graphs: x `[batch, nodes, features]`."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList([DenseGATConv(FEATURES, 8, heads=2), DenseGATConv(16, CLASSES, heads=1)])
        self.acts = nn.ModuleList([nn.ELU()])

    def forward(self, x: torch.Tensor, adj: torch.Tensor) -> torch.Tensor:
        return self.convs[1](self.acts[0](self.convs[0](x, adj)), adj).log_softmax(-1)


def widths() -> list[tuple[int, int]]:
    return [(FEATURES, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, CLASSES)]


def gcn_stored() -> nn.Module:
    return StoredEdgeNet([GCNConv(a, b) for a, b in widths()], nn.ReLU())


def gcn(normalize: bool = True) -> nn.Module:
    return EdgeNet([GCNConv(a, b, normalize=normalize) for a, b in widths()], nn.ReLU())


def sage() -> nn.Module:
    return EdgeNet([SAGEConv(a, b) for a, b in widths()], nn.ReLU())


def gat() -> nn.Module:
    """Two heads, concatenated."""
    convs = [GATConv(FEATURES, 8, heads=2), GATConv(16, 8, heads=2), GATConv(16, CLASSES, heads=1)]
    return EdgeNet(convs, nn.ELU())


def gatv2() -> nn.Module:
    """Its scores hold a LeakyReLU between two stored weights, which is no MLP."""
    convs = [GATv2Conv(FEATURES, 8, heads=2), GATv2Conv(16, CLASSES, heads=1)]
    return EdgeNet(convs, nn.ELU())


def graph_transformer() -> nn.Module:
    """Without the skip connection, whose weight would be a second one behind the same output."""
    convs = [
        TransformerConv(FEATURES, 8, heads=2, root_weight=False),
        TransformerConv(16, CLASSES, heads=1, root_weight=False),
    ]
    return EdgeNet(convs, nn.ELU())


def gat_mean() -> nn.Module:
    """Two heads, averaged: a neuron has a weight row in each."""
    convs = [GATConv(FEATURES, 8, heads=2, concat=False), GATConv(8, CLASSES, heads=2, concat=False)]
    return EdgeNet(convs, nn.ReLU())


class Normalised(nn.Module):
    """A convolution with a LayerNorm behind it."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.conv = GCNConv(features, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(x, edge_index))


def gcn_norm() -> nn.Module:
    return EdgeNet([Normalised(FEATURES, HIDDEN), Normalised(HIDDEN, HIDDEN), GCNConv(HIDDEN, CLASSES)], nn.ReLU())


def gin() -> nn.Module:
    return EdgeNet(
        [GINConv(nn.Sequential(nn.Linear(a, 12), nn.ReLU(), nn.Linear(12, b))) for a, b in widths()], nn.ReLU()
    )


def act_sites(model: nn.Module, layer: int, call: int, activation: str, into: list[Weight], out: list[Weight]) -> list[Site]:
    """Both ends of an activation module; one module may serve all layers."""
    act = model.acts[call]
    call = call if model.acts[0] is model.acts[-1] else 0
    return [
        Site(site_id(layer, "mlp_pre"), activation, Tap(act, "input", call=call), into),
        Site(site_id(layer, "mlp_post"), activation, Tap(act, "output", call=call), [*into, *out]),
    ]


def gcn_sites(model: nn.Module) -> list[Site]:
    """The bias is added after the neighbours' sum."""
    sites = []
    for layer in range(len(model.acts)):
        conv, after = model.convs[layer], model.convs[layer + 1]
        into = Weight("in", conv.lin.weight, 0, conv.bias)
        sites += act_sites(model, layer, layer, "relu", [into], [outgoing(after.lin)])
    return sites


def dense_net_sites(model: nn.Module) -> list[Site]:
    sites = []
    for layer in range(len(model.acts)):
        into = Weight("in", model.weights[layer], 1, model.biases[layer])
        sites += act_sites(model, layer, layer, "relu", [into], [Weight("out", model.weights[layer + 1], 0)])
    return sites


def sage_sites(model: nn.Module) -> list[Site]:
    """The sum of two linear layers: of the neighbours' mean and of the node itself."""
    sites = []
    for layer in range(len(model.acts)):
        conv, after = model.convs[layer], model.convs[layer + 1]
        into = [incoming("in", conv.lin_l), incoming("in", conv.lin_r)]
        sites += act_sites(model, layer, layer, "relu", into, [outgoing(after.lin_l), outgoing(after.lin_r)])
    return sites


def gat_sites(model: nn.Module) -> list[Site]:
    """`attn_out` is the aggregated output with its bias; the activation function's input is the same tensor."""
    sites = []
    for layer, conv in enumerate(model.convs):
        into = Weight("in", conv.lin.weight, 0, conv.bias)
        sites.append(Site(site_id(layer, "attn_out"), None, Tap(conv, "output"), [into]))
        if layer < len(model.acts):
            sites += act_sites(model, layer, layer, "elu(1)", [into], [outgoing(model.convs[layer + 1].lin)])
    return sites


def gatv2_sites(model: nn.Module) -> list[Site]:
    """What is summed is `lin_l` of the neighbours, with a bias of its own; the layer's is added last. `lin_r` is in the scores alone."""
    return neighbours_sites(model, [Weight("in", conv.lin_l.weight, 0, conv.bias) for conv in model.convs])


def graph_transformer_sites(model: nn.Module) -> list[Site]:
    return neighbours_sites(model, [incoming("in", conv.lin_value) for conv in model.convs])


def neighbours_sites(model: nn.Module, weights: list[Weight]) -> list[Site]:
    sites = []
    for layer, (conv, into) in enumerate(zip(model.convs, weights, strict=True)):
        sites.append(Site(site_id(layer, "attn_out"), None, Tap(conv, "output"), [into]))
        if layer < len(model.acts):
            after = Weight("out", weights[layer + 1].tensor, 1)
            sites += act_sites(model, layer, layer, "elu(1)", [into], [after])
    return sites


def gat_mean_sites(model: nn.Module) -> list[Site]:
    reason = "heads are averaged"
    sites = []
    for layer, conv in enumerate(model.convs):
        sites.append(Site(site_id(layer, "attn_out"), None, Tap(conv, "output"), reason=reason))
        if layer < len(model.acts):
            act = model.acts[layer]
            sites.append(Site(site_id(layer, "mlp_pre"), "relu", Tap(act, "input", call=layer), reason=reason))
            sites.append(Site(site_id(layer, "mlp_post"), "relu", Tap(act, "output", call=layer), reason=reason))
    return sites


def gcn_norm_sites(model: nn.Module) -> list[Site]:
    """The bias of the convolution, not that of the LayerNorm."""
    after = [model.convs[1].conv.lin, model.convs[2].lin]
    sites = []
    for layer, out in enumerate(after):
        conv = model.convs[layer].conv
        into = Weight("in", conv.lin.weight, 0, conv.bias)
        sites += act_sites(model, layer, layer, "relu", [into], [outgoing(out)])
    return sites


def gin_sites(model: nn.Module) -> list[Site]:
    """Every activation function is a layer: inside conv 0, after it, inside conv 1, …"""
    sites = []
    for index, conv in enumerate(model.convs):
        first, last = conv.nn[0], conv.nn[2]
        sites += mlp(2 * index, "relu", first, last)
        if index < len(model.acts):
            following = outgoing(model.convs[index + 1].nn[0])
            sites += act_sites(model, 2 * index + 1, index, "relu", [incoming("in", last)], [following])
    return sites


def dense_attention_sites(model: nn.Module) -> list[Site]:
    sites = []
    for layer, conv in enumerate(model.convs):
        into = Weight("in", conv.weight, 1)
        sites.append(Site(site_id(layer, "attn_out"), None, Tap(conv, "output"), [into]))
        if layer < len(model.acts):
            after = Weight("out", model.convs[layer + 1].weight, 0)
            sites += act_sites(model, layer, layer, "elu(1)", [into], [after])
    return sites


def edges() -> Inputs:
    """Features, and each edge in both directions."""
    random = torch.Generator().manual_seed(0)
    linked = torch.rand(NODES, NODES, generator=random).triu(1) > 0.75
    return {
        "x": torch.randn(NODES, FEATURES, generator=random),
        "edge_index": (linked | linked.T).nonzero().T.contiguous(),
    }


def adjacency() -> Inputs:
    """The same graph, row-normalised with self loops."""
    graph = edges()
    adj = torch.eye(NODES)
    adj[graph["edge_index"][0], graph["edge_index"][1]] = 1
    return {"x": graph["x"], "adj": adj / adj.sum(1, keepdim=True)}


def features_alone() -> Inputs:
    """For a network that stores its graph."""
    return {"x": edges()["x"]}


def batched() -> Inputs:
    """Two graphs without self loops."""
    graph = adjacency()
    adj = (graph["adj"] > 0).float() - torch.eye(NODES)
    return {"x": torch.stack([graph["x"], -graph["x"]]), "adj": torch.stack([adj, adj])}


EDGE_AXES = {"x": {0: "nodes"}, "edge_index": {1: "edges"}, "logits": {0: "nodes"}}
DENSE_AXES = {"x": {0: "nodes"}, "adj": {0: "nodes", 1: "nodes"}, "logits": {0: "nodes"}}
STORED_AXES = {"x": {0: "nodes"}, "logits": {0: "nodes"}}
BATCH_AXES = {
    "x": {0: "batch", 1: "nodes"}, "adj": {0: "batch", 1: "nodes", 2: "nodes"}, "logits": {0: "batch", 1: "nodes"},
}  # fmt: skip


def graph(name: str, make, sites, exporters: str, inputs=edges, axes=EDGE_AXES, **options) -> Family:
    return Family(name, name.split("-")[0], "graph", make, inputs, sites, tuple(exporters.split()), axes=axes, **options)


FAMILIES = [
    graph("gcn", gcn, gcn_sites, "ts17 dynamo18 int8", golden=True),
    graph("gcn-unnormalized", lambda: gcn(False), gcn_sites, "ts17 dynamo18"),
    graph("gcn-mm", DenseNet, dense_net_sites, "ts13 ts17 dynamo18", adjacency, DENSE_AXES, golden=True),
    graph("gcn-dense", DenseGcn, gcn_sites, "ts17 dynamo18", batched, BATCH_AXES),
    graph("sage", sage, sage_sites, "ts17 dynamo18", golden=True),
    graph("gat", gat, gat_sites, "ts17 dynamo18", golden=True),
    graph("gat-mean", gat_mean, gat_mean_sites, "ts17 dynamo18"),
    graph("gcn-norm", gcn_norm, gcn_norm_sites, "ts17 dynamo18"),
    graph("gatv2", gatv2, gatv2_sites, "ts17 dynamo18"),
    graph("graph-transformer", graph_transformer, graph_transformer_sites, "ts17 dynamo18"),
    graph("gin", gin, gin_sites, "ts17 dynamo18"),
    graph("gcn-stored-adjacency", StoredDenseNet, dense_net_sites, "ts17 dynamo18", features_alone, {"x": {}}),
    graph("gcn-stored-edges", gcn_stored, gcn_sites, "ts17 dynamo18", features_alone, STORED_AXES),
    graph("gcn-to-dense", ToDenseNet, dense_net_sites, "ts17 dynamo18"),
    graph("gat-where", DenseAttentionNet, dense_attention_sites, "ts17 dynamo18", adjacency, DENSE_AXES),
    graph("gat-dense", DenseGat, gat_sites, "ts17 dynamo18", batched, BATCH_AXES),
]  # fmt: skip
