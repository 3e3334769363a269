"""Hugging Face optimum: the layouts its users have on disk. Needs requirements-optimum.txt."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from shutil import copyfile

import torch

from models.recipes.onnx_files import Inputs, clean

from .job import Job, Product, Unavailable


def single_file(job: Job) -> list[Product]:
    """`model.onnx`: an encoder, or a decoder with `past_key_values.*`."""
    folder = export_with_optimum(job, job.family.task, **like_llama(job))
    keep(folder / "model.onnx", job.path())
    return [Product(job.path(), inputs=with_empty_past(job), note="model.onnx")]


def like_llama(job: Job) -> dict[str, object]:
    """optimum does not list Mixtral; its inputs and outputs are Llama's."""
    if job.family.architecture != "mixtral":
        return {}
    needs_optimum()
    from optimum.exporters.onnx.model_configs import LlamaOnnxConfig

    config = LlamaOnnxConfig(job.model.config, "text-generation", use_past=True, use_past_in_inputs=True)
    return {"custom_onnx_configs": {"model": config}}


def merged_decoder(job: Job) -> list[Product]:
    """`decoder_model_merged.onnx` of a decoder: an `If` on `use_cache_branch`, as optimum up to 1.2x wrote it.

    Today's optimum writes it for encoder-decoders only, so its `merge_decoders` is called here with the same two files.
    """
    past = export_with_optimum(job, job.family.task)
    first = export_first_step(job)
    from optimum.onnx import merge_decoders

    merge_decoders(first, past / "model.onnx", save_path=job.path(), strict=False)
    keep(job.path(), job.path())
    feeds = with_empty_past(job) | {"use_cache_branch": torch.tensor([False])}
    return [Product(job.path(), inputs=feeds, comparable=False, note="decoder_model_merged.onnx")]


def encoder_decoder(job: Job) -> list[Product]:
    """`encoder_model.onnx`, `decoder_model.onnx`, `decoder_with_past_model.onnx`, `decoder_model_merged.onnx`."""
    encoder_out, logits, past = step_by_step(job)  # before the export, which changes the model's configuration
    folder = export_with_optimum(job, "text2text-generation-with-past")
    inputs = job.inputs
    decoder = {
        "input_ids": inputs["decoder_input_ids"],
        "encoder_hidden_states": encoder_out,
        "encoder_attention_mask": inputs["attention_mask"],
    }
    last = decoder | {"input_ids": decoder["input_ids"][:, -1:]} | past
    merged = decoder | empty_like(past) | {"use_cache_branch": torch.tensor([False])}
    encoder = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    layouts = [
        ("-encoder", "encoder_model", "encoder", encoder, encoder_out),
        ("-decoder", "decoder_model", "decoder", decoder, logits),
        ("-decoder-past", "decoder_with_past_model", "decoder", last, logits[:, -1:]),
        ("-decoder-merged", "decoder_model_merged", "decoder", merged, logits),
    ]
    products = []
    for suffix, source, stack, feeds, expected in layouts:
        keep(folder / f"{source}.onnx", job.path(suffix))
        products.append(
            Product(job.path(suffix), stack=stack, inputs=feeds, expected=expected, note=f"{source}.onnx",
                    comparable=suffix in ("-encoder", "-decoder"))
        )
    return products


def export_with_optimum(job: Job, task: str, **options) -> Path:
    """Everything optimum writes for a task."""
    needs_optimum()
    from optimum.exporters.onnx import onnx_export_from_model

    folder = job.scratch / job.family.name
    for module in (job.model, getattr(job.model, "decoder", job.model)):
        module.config.use_cache = True
    onnx_export_from_model(job.model, output=folder, task=task, device="cpu", do_validation=False, **options)
    return folder


def needs_optimum() -> None:
    if importlib.util.find_spec("optimum") is None:
        raise Unavailable("needs models/zoo/requirements-optimum.txt")


def export_first_step(job: Job) -> Path:
    """A decoder without a cache as input, but with `present.*` as outputs."""
    from optimum.exporters.onnx import export
    from optimum.exporters.tasks import TasksManager

    constructor = TasksManager.get_exporter_config_constructor(
        exporter="onnx", model=job.model, task="text-generation", library_name="transformers"
    )
    config = constructor(job.model.config, use_past=True, use_past_in_inputs=False)
    path = job.scratch / "decoder_model.onnx"
    export(job.model, config, path, device="cpu")
    return path


def keep(source: Path, target: Path) -> None:
    """Copy a file without local paths."""
    if source != target:
        copyfile(source, target)
    clean(target, {})


def with_empty_past(job: Job) -> Inputs:
    """The family's inputs, positions, and a cache of no positions."""
    mask = job.inputs["attention_mask"]
    config = job.model.config
    counted = mask.cumsum(1) * mask - 1
    plain = torch.arange(mask.shape[1]).expand(mask.shape)
    extra = {"position_ids": counted if job.family.name == "opt" else plain}
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    for layer in range(config.num_hidden_layers):
        for part in ("key", "value"):
            extra[f"past_key_values.{layer}.{part}"] = torch.zeros(len(mask), heads, 0, size)
    return job.inputs | extra


def step_by_step(job: Job) -> tuple[torch.Tensor, torch.Tensor, Inputs]:
    """The encoder's output, all logits, and the cache before the decoder's last token."""
    model, inputs = job.model, job.inputs
    with torch.no_grad():
        whole = model(**inputs, use_cache=False)
        shorter = inputs | {"decoder_input_ids": inputs["decoder_input_ids"][:, :-1]}
        cache = model(**shorter, use_cache=True).past_key_values
    past = {}
    for stack, half in (("decoder", cache.self_attention_cache), ("encoder", cache.cross_attention_cache)):
        for index, layer in enumerate(half.layers):
            past[f"past_key_values.{index}.{stack}.key"] = layer.keys
            past[f"past_key_values.{index}.{stack}.value"] = layer.values
    return whole.encoder_last_hidden_state, whole.logits, past


def empty_like(past: Inputs) -> Inputs:
    return {name: value[:, :, :0] for name, value in past.items()}


EXPORTERS: dict[str, Callable[[Job], list[Product]]] = {
    "optimum": single_file,
    "optimum-merged": merged_decoder,
    "optimum-seq2seq": encoder_decoder,
}
