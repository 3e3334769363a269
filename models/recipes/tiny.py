"""Tiny models with random weights for test fixtures: every shape of graph, no training."""

import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    DynamicCache,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    OPTConfig,
    OPTForCausalLM,
)

LAYERS, WIDTH, HEADS, CONTEXT, VOCABULARY = 2, 32, 2, 32, 128
NODES, FEATURES, HIDDEN, CLASSES = 12, 8, 16, 3


class Gpt2WithPast(GPT2LMHeadModel):
    """GPT-2 with its key-value cache as inputs `past_key_values.*` and outputs `present.*`."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **past: torch.Tensor):
        pairs = [
            (past[f"past_key_values.{layer}.key"], past[f"past_key_values.{layer}.value"])
            for layer in range(self.config.n_layer)
        ]
        cache = DynamicCache(pairs)
        outputs = self.transformer(
            input_ids=input_ids,
            attention_mask=attention_mask,
            past_key_values=cache,
            use_cache=True,
        )
        present = [tensor for layer in cache.layers for tensor in (layer.keys, layer.values)]
        return self.lm_head(outputs.last_hidden_state), *present


class DenseGcn(torch.nn.Module):
    """Graph convolution as in Kipf's own code: x `[nodes, features]`, adj `[nodes, nodes]`, both dense."""

    def __init__(self) -> None:
        super().__init__()
        self.weight1 = torch.nn.Parameter(torch.randn(FEATURES, HIDDEN) / FEATURES**0.5)
        self.bias1 = torch.nn.Parameter(torch.randn(HIDDEN) * 0.1)
        self.act = torch.nn.ReLU()
        self.weight2 = torch.nn.Parameter(torch.randn(HIDDEN, CLASSES) / HIDDEN**0.5)
        self.bias2 = torch.nn.Parameter(torch.randn(CLASSES) * 0.1)

    def forward(self, x: torch.Tensor, adj: torch.Tensor) -> torch.Tensor:
        hidden = self.act(torch.mm(adj, torch.mm(x, self.weight1)) + self.bias1)
        logits = torch.mm(adj, torch.mm(hidden, self.weight2)) + self.bias2
        return torch.nn.functional.log_softmax(logits, dim=1)


def gpt2(model_class: type = GPT2LMHeadModel, dropout: float = 0.0) -> GPT2LMHeadModel:
    """GPT-2, always with the same weights."""
    config = GPT2Config(
        n_layer=LAYERS, n_embd=WIDTH, n_head=HEADS, n_positions=CONTEXT, vocab_size=VOCABULARY,
        resid_pdrop=dropout, embd_pdrop=dropout, attn_pdrop=dropout, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    return randomised(model_class(config))


def bert() -> BertForMaskedLM:
    """BERT, always with the same weights."""
    config = BertConfig(
        num_hidden_layers=LAYERS, hidden_size=WIDTH, num_attention_heads=HEADS,
        intermediate_size=4 * WIDTH, max_position_embeddings=CONTEXT, vocab_size=VOCABULARY,
    )  # fmt: skip
    return randomised(BertForMaskedLM(config))


def opt() -> OPTForCausalLM:
    """OPT: its MLP works on `[batch * sequence, width]`."""
    config = OPTConfig(
        num_hidden_layers=LAYERS, hidden_size=WIDTH, num_attention_heads=HEADS, ffn_dim=4 * WIDTH,
        max_position_embeddings=CONTEXT, vocab_size=VOCABULARY, word_embed_proj_dim=WIDTH,
    )  # fmt: skip
    return randomised(OPTForCausalLM(config))


def llama() -> LlamaForCausalLM:
    """LLaMA: a gated MLP and two query heads that share a key-value head."""
    config = LlamaConfig(
        num_hidden_layers=LAYERS, hidden_size=WIDTH, num_attention_heads=HEADS, num_key_value_heads=1,
        intermediate_size=3 * WIDTH, max_position_embeddings=CONTEXT, vocab_size=VOCABULARY,
    )  # fmt: skip
    return randomised(LlamaForCausalLM(config))


def dense_gcn() -> DenseGcn:
    """The dense GCN, always with the same weights."""
    torch.manual_seed(0)
    return DenseGcn().eval()


def randomised(model: torch.nn.Module) -> torch.nn.Module:
    """Biases too get random values: exporters drop zero ones and merge equal ones."""
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=random)
            if parameter.ndim > 1:
                parameter.copy_(noise * 0.15)
            else:
                parameter.copy_(noise * 0.1 + (1.0 if is_scale(name) else 0.0))
    return model.eval()


def is_scale(name: str) -> bool:
    """Whether a parameter is the scale of a normalisation."""
    parts = name.lower().split(".")
    return parts[-1] == "weight" and any("norm" in part or part.startswith("ln_") for part in parts)


def token_inputs(token_types: bool = False) -> dict[str, torch.Tensor]:
    """Ids and mask `[2, 16]`, the second row padded at its end."""
    ids = (torch.arange(32).reshape(2, 16) * 37 + 5) % VOCABULARY
    mask = torch.ones_like(ids)
    mask[1, 11:] = 0
    inputs = {"input_ids": ids, "attention_mask": mask}
    return inputs | {"token_type_ids": torch.zeros_like(ids)} if token_types else inputs


def past_inputs(length: int) -> dict[str, torch.Tensor]:
    """Ids, mask and a cache of `length` positions `[batch, heads, length, head size]`."""
    inputs = token_inputs()
    seen = torch.ones(2, length, dtype=torch.int64)
    inputs["attention_mask"] = torch.cat([seen, inputs["attention_mask"]], 1)
    random = torch.Generator().manual_seed(1)
    for layer in range(LAYERS):
        for part in ("key", "value"):
            shape = (2, HEADS, length, WIDTH // HEADS)
            inputs[f"past_key_values.{layer}.{part}"] = torch.randn(shape, generator=random)
    return inputs


def graph_inputs() -> dict[str, torch.Tensor]:
    """Features and a row-normalised adjacency matrix with self loops."""
    random = torch.Generator().manual_seed(0)
    edges = torch.rand(NODES, NODES, generator=random) < 0.2
    adj = ((edges | edges.T) | torch.eye(NODES, dtype=torch.bool)).float()
    x = torch.randn(NODES, FEATURES, generator=random)
    return {"x": x, "adj": adj / adj.sum(1, keepdim=True)}
