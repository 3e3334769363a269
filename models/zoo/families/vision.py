"""Vision transformers and their relatives: ViT, DeiT, CLIP, Swin, ConvNeXt, MLP-Mixer."""

import torch
from torch import nn
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    ConvNextConfig,
    ConvNextForImageClassification,
    DeiTConfig,
    DeiTForImageClassificationWithTeacher,
    SwinConfig,
    SwinForImageClassification,
    ViTConfig,
    ViTForImageClassification,
)

from models.recipes.onnx_files import TOKEN_AXES, Inputs

from ..family import Family
from ..inputs import VOCABULARY, pixels, tokens
from ..sites import Site, attention, mlp
from .sizes import COMMON, CONTEXT, HEADS, INNER, LAYERS, WIDTH

IMAGE = {"image_size": 16, "patch_size": 4}
BLOCKS = {name: COMMON[name] for name in ("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size")}
TEXT = BLOCKS | {"vocab_size": VOCABULARY, "max_position_embeddings": CONTEXT, "bos_token_id": 1, "eos_token_id": 2}


def vit() -> nn.Module:
    return ViTForImageClassification(ViTConfig(**BLOCKS, **IMAGE, num_labels=3))


def deit() -> nn.Module:
    """ViT with a second class token and two averaged classifiers."""
    return DeiTForImageClassificationWithTeacher(DeiTConfig(**BLOCKS, **IMAGE, num_labels=3))


def vit_sites(layers: nn.ModuleList) -> list[Site]:
    sites = []
    for layer, block in enumerate(layers):
        sites.append(attention(layer, block.attention.o_proj))
        sites += mlp(layer, "gelu", block.mlp.fc1, block.mlp.fc2)
    return sites


def clip() -> nn.Module:
    """Both towers; QuickGELU."""
    return CLIPModel(CLIPConfig(text_config=TEXT, vision_config=BLOCKS | IMAGE, projection_dim=WIDTH))


def clip_vision() -> nn.Module:
    return CLIPVisionModelWithProjection(CLIPVisionConfig(**BLOCKS, **IMAGE, projection_dim=WIDTH))


def clip_text() -> nn.Module:
    return CLIPTextModelWithProjection(CLIPTextConfig(**TEXT, projection_dim=WIDTH))


def tower_sites(tower: nn.Module, stack: str = "") -> list[Site]:
    sites = []
    for layer, block in enumerate(tower.encoder.layers):
        sites.append(attention(layer, block.self_attn.out_proj, stack))
        sites += mlp(layer, "quick_gelu", block.mlp.fc1, block.mlp.fc2, stack)
    return sites


def clip_sites(model: nn.Module) -> list[Site]:
    return tower_sites(model.text_model, "text") + tower_sites(model.vision_model, "vision")


def clip_inputs() -> Inputs:
    return tokens() | pixels()


def swin() -> nn.Module:
    """Shifted windows: attention runs on `[batch * windows, ...]`; the width doubles from stage to stage."""
    return SwinForImageClassification(SwinConfig(
        image_size=32, patch_size=2, embed_dim=8, depths=[2, 1], num_heads=[2, 2], window_size=4, mlp_ratio=3, num_labels=3,
    ))  # fmt: skip


def swin_sites(model: nn.Module) -> list[Site]:
    """Layers are counted through all stages."""
    blocks = [block for stage in model.swin.encoder.layers for block in stage.blocks]
    return vit_sites(blocks)


def convnext() -> nn.Module:
    """Convolution, norm, Linear, GELU, Linear with channels last, and a scale before the residual add."""
    return ConvNextForImageClassification(
        ConvNextConfig(hidden_sizes=[8, 16], depths=[1, 2], num_stages=2, image_size=16, patch_size=2, num_labels=3)
    )


def convnext_sites(model: nn.Module) -> list[Site]:
    """A layer is a block, counted through all stages."""
    blocks = [block for stage in model.convnext.encoder.stages for block in stage.layers]
    return [site for layer, block in enumerate(blocks) for site in mlp(layer, "gelu", block.pwconv1, block.pwconv2)]


class MixerBlock(nn.Module):
    """Tolstikhin et al. 2021: an MLP over the patches, then one over the channels."""

    def __init__(self, patches: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.tokens = nn.Sequential(nn.Linear(patches, 24), nn.GELU(), nn.Linear(24, patches))
        self.channels = nn.Sequential(nn.Linear(WIDTH, INNER), nn.GELU(), nn.Linear(INNER, WIDTH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class Mixer(nn.Module):
    """pixel_values `[batch, 3, 16, 16]` -> logits `[batch, 3]`."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTH, 4, stride=4)
        self.blocks = nn.ModuleList(MixerBlock(16) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, 3)

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        x = self.stem(pixel_values).flatten(2).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(1))


def mixer_sites(model: nn.Module) -> list[Site]:
    """Each MLP is a layer of its own: token mixing 0, 2, …, channel mixing 1, 3, …"""
    mixers = [mixer for block in model.blocks for mixer in (block.tokens, block.channels)]
    return [site for layer, m in enumerate(mixers) for site in mlp(layer, "gelu", m[0], m[2])]


def image_model(name: str, make, sites, exporters: str, inputs=pixels, outputs=("logits",), axes=None, **options) -> Family:
    axes = axes or {name: {0: "batch"} for name in ("pixel_values", *outputs)}
    return Family(name, name.split("-")[0], options.pop("kind", "vision"), make, inputs, sites,
                  tuple(exporters.split()), outputs=outputs, axes=axes, **options)  # fmt: skip


CLIP_AXES = {
    "input_ids": TOKEN_AXES, "attention_mask": TOKEN_AXES, "pixel_values": {0: "images"},
    "logits_per_image": {0: "images", 1: "batch"},
}  # fmt: skip
FAMILIES = [
    image_model("vit", vit, lambda m: vit_sites(m.vit.layers), "ts13 ts17 dynamo20 fused qdq", golden=True,
                fuse_as=("vit", HEADS, WIDTH), inputs=pixels),
    image_model("deit", deit, lambda m: vit_sites(m.deit.layers), "dynamo18"),
    image_model("clip", clip, clip_sites, "ts17", inputs=clip_inputs, outputs=("logits_per_image",),
                axes=CLIP_AXES, kind="vision-text", masks={"text": "attention_mask"}, golden=True),
    image_model("clip-vision", clip_vision, lambda m: tower_sites(m.vision_model), "ts17 fused", outputs=("image_embeds",),
                fuse_as=("clip", HEADS, WIDTH)),
    image_model("clip-text", clip_text, lambda m: tower_sites(m.text_model), "ts17", inputs=tokens, kind="encoder",
                outputs=("text_embeds",),
                axes={"input_ids": TOKEN_AXES, "attention_mask": TOKEN_AXES, "text_embeds": {0: "batch"}}),
    image_model("swin", swin, swin_sites, "ts17 dynamo18 dynamo18eager", inputs=lambda: pixels(32)),
    image_model("convnext", convnext, convnext_sites, "ts17 dynamo18"),
    image_model("mixer", Mixer, mixer_sites, "ts17 dynamo18"),
]  # fmt: skip
