"""Text encoders: BERT and its relatives."""

from torch import nn
from transformers import (
    AlbertConfig,
    AlbertForMaskedLM,
    BertConfig,
    BertForMaskedLM,
    BertModel,
    DebertaV2Config,
    DebertaV2ForMaskedLM,
    DistilBertConfig,
    DistilBertForMaskedLM,
    ElectraConfig,
    ElectraForPreTraining,
    RobertaConfig,
    RobertaForMaskedLM,
)

from ..family import Family
from ..inputs import VOCABULARY, token_types, tokens
from ..sites import Site, Tap, attention, incoming, mlp, site_id
from .sizes import COMMON, CONTEXT, HEADS, INNER, LAYERS, WIDTH


def bert() -> nn.Module:
    return BertForMaskedLM(BertConfig(**COMMON))


def minilm() -> nn.Module:
    """A sentence encoder: BERT without a head, with a pooler's Tanh."""
    return BertModel(BertConfig(**COMMON | {"num_hidden_layers": 3}))


def roberta() -> nn.Module:
    return RobertaForMaskedLM(RobertaConfig(**COMMON, pad_token_id=1))


def distilbert() -> nn.Module:
    return DistilBertForMaskedLM(DistilBertConfig(
        n_layers=LAYERS, dim=WIDTH, n_heads=HEADS, hidden_dim=INNER, max_position_embeddings=CONTEXT,
        vocab_size=VOCABULARY,
    ))  # fmt: skip


def albert() -> nn.Module:
    """All layers share their weights; gelu_new."""
    return AlbertForMaskedLM(AlbertConfig(**COMMON, embedding_size=8))


def electra() -> nn.Module:
    """Embeddings narrower than the model, and a discriminator's head with its own GELU."""
    return ElectraForPreTraining(ElectraConfig(**COMMON, embedding_size=8))


def deberta() -> nn.Module:
    """Disentangled attention with relative positions, as in DeBERTa-v3."""
    return DebertaV2ForMaskedLM(DebertaV2Config(
        **COMMON, relative_attention=True, position_buckets=8, norm_rel_ebd="layer_norm", share_att_key=True,
        pos_att_type=["p2c", "c2p"], position_biased_input=False, type_vocab_size=0, max_relative_positions=-1,
    ))  # fmt: skip


def encoder_sites(layers: nn.ModuleList, activation: str = "gelu") -> list[Site]:
    """The blocks of BERT, RoBERTa, ELECTRA, DeBERTa."""
    sites = []
    for layer, block in enumerate(layers):
        sites.append(attention(layer, block.attention.output.dense))
        sites += mlp(layer, activation, block.intermediate.dense, block.output.dense)
    return sites


def minilm_sites(model: nn.Module) -> list[Site]:
    pooler = model.pooler
    head = Site(site_id(3, "output"), "tanh", Tap(pooler.activation, "output"), [incoming("in", pooler.dense)])
    return [*encoder_sites(model.encoder.layer), head]


def distilbert_sites(model: nn.Module) -> list[Site]:
    sites = []
    for layer, block in enumerate(model.distilbert.transformer.layer):
        sites.append(attention(layer, block.attention.out_lin))
        sites += mlp(layer, "gelu", block.ffn.lin1, block.ffn.lin2)
    return sites


def albert_sites(model: nn.Module) -> list[Site]:
    """One block, called once a layer."""
    block = model.albert.encoder.albert_layer_groups[0].albert_layers[0]
    sites = []
    for layer in range(LAYERS):
        sites.append(attention(layer, block.attention.dense, call=layer))
        sites += mlp(layer, "gelu_tanh", block.ffn, block.ffn_output, call=layer)
    return sites


def encoder(name: str, make, sites, exporters: str, inputs=tokens, **options) -> Family:
    return Family(name, name, "encoder", make, inputs, sites, tuple(exporters.split()),
                  task="fill-mask", **options)  # fmt: skip


FUSE = ("bert", HEADS, WIDTH)
FAMILIES = [
    encoder("bert", bert, lambda m: encoder_sites(m.bert.encoder.layer), "ts13 ts17 ts20 dynamo18 dynamo20 dynamo23 ts17functions fused dynamofused fp16 int8 qdq nbits optimum handmade-attention handmade-mha",
            inputs=token_types, fuse_as=FUSE, golden=True),
    encoder("minilm", minilm, minilm_sites, "fused", fuse_as=FUSE, inputs=token_types, outputs=("last_hidden_state", "pooler_output"),
            axes={name: {0: "batch", 1: "sequence"} for name in ("input_ids", "attention_mask", "token_type_ids", "last_hidden_state")} | {"pooler_output": {0: "batch"}}),
    encoder("roberta", roberta, lambda m: encoder_sites(m.roberta.encoder.layer), "ts17 fused", fuse_as=FUSE),
    encoder("distilbert", distilbert, distilbert_sites, "ts17 fused dynamofused", fuse_as=FUSE, golden=True),
    encoder("albert", albert, albert_sites, "ts17", inputs=token_types, golden=True),
    encoder("electra", electra, lambda m: encoder_sites(m.electra.encoder.layer), "ts17", inputs=token_types),
    encoder("deberta", deberta, lambda m: encoder_sites(m.deberta.encoder.layer), "ts17"),
]  # fmt: skip
