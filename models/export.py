"""Export a transformers model to ONNX: a folder of your own, a hub id, or random weights.

python models/export.py gpt2 --out gpt2.onnx                      # hub id
python models/export.py ./my-model --exporter dynamo --opset 20 --out my.onnx
python models/export.py gpt2 --random --config 124m --out /tmp/gpt2-124m.onnx
"""

import argparse
from pathlib import Path

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    BertConfig,
    GPT2Config,
    PreTrainedModel,
)

from recipes.onnx_files import export_onnx, max_abs_difference

#: Sizes that `--random --config NAME` knows, by architecture.
CONFIGS = {
    "gpt2": {
        "tiny": GPT2Config(n_layer=2, n_embd=32, n_head=2, n_positions=64, vocab_size=128),
        "124m": GPT2Config(),
        "355m": GPT2Config(n_layer=24, n_embd=1024, n_head=16),
    },
    "bert": {
        "tiny": BertConfig(
            num_hidden_layers=2,
            hidden_size=32,
            num_attention_heads=2,
            intermediate_size=128,
            max_position_embeddings=64,
            vocab_size=128,
        ),
        "base": BertConfig(),
    },
}


def main() -> None:
    args = parse_args()
    model = (
        random_model(args.model, args.config, args.seed)
        if args.random
        else trained_model(args.model)
    )
    inputs = example_inputs(model)
    options = {"exporter": args.exporter, "opset": args.opset, "external_data": args.external_data}
    export_onnx(model, inputs, args.out, **options)
    difference = max_abs_difference(model, inputs, args.out)
    print(
        f"{args.out}: {args.out.stat().st_size:,} bytes, max |onnxruntime - torch| = {difference:.2e}"
    )


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = ", ".join(CONFIGS)
    parser.add_argument("model", help=f"folder or hub id; with --random an architecture: {kinds}")
    parser.add_argument("--out", type=Path, required=True, help="the .onnx file to write")
    parser.add_argument(
        "--random", action="store_true", help="random weights instead of trained ones"
    )
    parser.add_argument("--config", default="tiny", help="size with --random (default: tiny)")
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the random weights (default: 0)"
    )
    parser.add_argument("--exporter", choices=["torchscript", "dynamo"], default="torchscript")
    parser.add_argument(
        "--opset", type=int, default=None, help="default: 17 for torchscript, 20 for dynamo"
    )
    parser.add_argument(
        "--external-data", action="store_true", help="weights in a file beside the model"
    )
    args = parser.parse_args()
    if args.random and args.config not in CONFIGS.get(args.model, {}):
        known = "; ".join(f"{name}: {', '.join(sizes)}" for name, sizes in CONFIGS.items())
        parser.error(
            f"expected an architecture and a --config of {known}; got {args.model} {args.config}"
        )
    return args


def random_model(architecture: str, size: str, seed: int) -> PreTrainedModel:
    """A model with random weights, in evaluation mode."""
    torch.manual_seed(seed)
    return model_class(architecture).from_config(CONFIGS[architecture][size]).eval()


def trained_model(path_or_id: str) -> PreTrainedModel:
    """A model from a folder or from the Hugging Face hub, in evaluation mode."""
    architecture = AutoConfig.from_pretrained(path_or_id).model_type
    return model_class(architecture).from_pretrained(path_or_id).eval()


def model_class(architecture: str) -> type:
    """Masked language models for the encoders, causal ones for everything else."""
    masked = {"bert", "distilbert", "roberta", "electra", "deberta-v2", "modernbert"}
    return AutoModelForMaskedLM if architecture in masked else AutoModelForCausalLM


def example_inputs(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """Token ids and a mask `[batch, sequence]` = [2, 16], the second row padded at its end."""
    token_ids = torch.arange(32).reshape(2, 16) % model.config.vocab_size
    mask = torch.ones(2, 16, dtype=torch.int64)
    mask[1, 11:] = 0
    inputs = {"input_ids": token_ids, "attention_mask": mask}
    if model.config.model_type == "bert":
        inputs["token_type_ids"] = torch.zeros_like(token_ids)
    return inputs


if __name__ == "__main__":
    main()
