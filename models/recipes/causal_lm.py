"""GPT-2 on WikiText-2: train, measure perplexity, export, and write what the auditor should see."""

import math
from dataclasses import dataclass, replace

import torch
from tokenizers import Tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

from .golden import stored_tokens, write_golden
from .onnx_files import export_onnx, max_abs_difference
from .site_list import Site, Weights, write_sites
from .taps import gpt2_taps
from .text import ROOT, read_wikitext, training_text
from .training import Schedule, load_or_train, train
from .vocabulary import END_OF_TEXT, byte_level_bpe, save_tokenizer

LAYERS, WIDTH, HEADS, CONTEXT, VOCABULARY = 4, 128, 4, 256, 1024
BATCH = 16
GOLDEN_TOKENS, GOLDEN_PADDING = 48, 17


@dataclass(frozen=True)
class CausalLm:
    """What differs between the shipped GPT-2 models."""

    name: str
    activation: str  # transformers' name
    site_activation: str  # the auditor's name
    exporter: str
    opset: int
    schedule: Schedule
    seed: int = 0


def make_causal_lm(recipe: CausalLm, steps: int | None = None, reuse: bool = False) -> None:
    """Everything in `models/<name>/`. `steps` shortens the training, `reuse` takes kept weights."""
    folder = ROOT / "models" / recipe.name
    tokenizer = byte_level_bpe(VOCABULARY)
    save_tokenizer(tokenizer, folder, CONTEXT)
    model = new_model(recipe, tokenizer)
    schedule = replace(recipe.schedule, steps=steps or recipe.schedule.steps)
    load_or_train(
        model, recipe.name, reuse, lambda: train_model(model, tokenizer, schedule, recipe.seed)
    )
    path = folder / "model.onnx"
    inputs = golden_inputs(tokenizer)
    export_onnx(model, inputs, path, recipe.exporter, recipe.opset)
    difference = max_abs_difference(model, inputs, path)
    print(
        f"{path.name}: {path.stat().st_size:,} bytes, max |onnxruntime - torch| = {difference:.2e}"
    )
    activations = {"mlp_pre": recipe.site_activation, "mlp_post": recipe.site_activation}
    write_golden(
        folder / "golden.json", model, gpt2_taps(model), inputs, activations, stored_tokens(inputs)
    )
    write_sites(folder / "sites.json", path, sites(model, recipe.site_activation))
    report_perplexity(model, tokenizer)
    report_dead(model, tokenizer)


def new_model(recipe: CausalLm, tokenizer: Tokenizer) -> GPT2LMHeadModel:
    """The model before training."""
    torch.manual_seed(recipe.seed)
    end = tokenizer.token_to_id(END_OF_TEXT)
    config = GPT2Config(
        n_layer=LAYERS, n_embd=WIDTH, n_head=HEADS, n_positions=CONTEXT,
        vocab_size=tokenizer.get_vocab_size(), activation_function=recipe.activation,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=end, eos_token_id=end,
    )  # fmt: skip
    return GPT2LMHeadModel(config)


def train_model(
    model: GPT2LMHeadModel, tokenizer: Tokenizer, schedule: Schedule, seed: int
) -> None:
    """Next-token prediction on random windows of the training text."""
    end = tokenizer.token_to_id(END_OF_TEXT)
    articles = [encoding.ids for encoding in tokenizer.encode_batch(training_text())]
    stream = torch.tensor([token for ids in articles for token in (*ids, end)])
    print(f"{model.num_parameters():,} parameters, {len(stream):,} training tokens", flush=True)
    random = torch.Generator().manual_seed(seed)

    def loss_of(_step: int) -> torch.Tensor:
        starts = torch.randint(len(stream) - CONTEXT - 1, (BATCH,), generator=random)
        windows = torch.stack([stream[start : start + CONTEXT + 1] for start in starts])
        logits = model(input_ids=windows[:, :-1]).logits
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())

    train(model, loss_of, schedule)


def golden_inputs(tokenizer: Tokenizer) -> dict[str, torch.Tensor]:
    """Two stretches of the validation split `[2, 48]`, the second padded at its end."""
    ids = tokenizer.encode(read_wikitext("valid")).ids
    rows = torch.tensor(ids[: 2 * GOLDEN_TOKENS]).reshape(2, GOLDEN_TOKENS)
    mask = torch.ones_like(rows)
    rows[1, -GOLDEN_PADDING:] = tokenizer.token_to_id(END_OF_TEXT)
    mask[1, -GOLDEN_PADDING:] = 0
    return {"input_ids": rows, "attention_mask": mask}


def sites(model: GPT2LMHeadModel, activation: str) -> list[Site]:
    """The sites and their weights; `Conv1D` keeps a weight as `[in, out]`."""
    found = []
    for layer, block in enumerate(model.transformer.h):
        projection, up, down = block.attn.c_proj, block.mlp.c_fc, block.mlp.c_proj
        mlp = [Weights("in", up.weight, 1, up.bias), Weights("out", down.weight, 0)]
        attention = [Weights("in", projection.weight, 1, projection.bias)]
        found += [
            Site(f"{layer}.attn_out", projection.weight.shape[1], None, attention),
            Site(f"{layer}.mlp_pre", up.weight.shape[1], activation, mlp),
            Site(f"{layer}.mlp_post", up.weight.shape[1], activation, mlp),
        ]
    return found


def report_perplexity(model: GPT2LMHeadModel, tokenizer: Tokenizer) -> None:
    """Token perplexity of the validation split, in disjoint windows, and bits a word (`<eos>` included)."""
    text = read_wikitext("valid")
    nats, tokens = 0.0, 0
    for windows in validation_windows(tokenizer, text):
        with torch.no_grad():
            logits = model(input_ids=windows[:, :-1]).logits
        targets = windows[:, 1:].flatten()
        nats += torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), targets, reduction="sum"
        ).item()
        tokens += targets.numel()
    words = (len(text.split()) + text.count("\n")) * tokens / len(tokenizer.encode(text).ids)
    perplexity, bits = math.exp(nats / tokens), nats / words / math.log(2)
    print(f"valid: token perplexity {perplexity:.2f}, {bits:.3f} bits a word")


def report_dead(model: GPT2LMHeadModel, tokenizer: Tokenizer) -> None:
    """Dead neurons at each `mlp_post` over the validation split: silent, and |a| > 0.001 below 0.1 %."""
    posts = [block.mlp.act for block in model.transformer.h]
    fired = [torch.zeros(4 * WIDTH) for _ in posts]
    positions = 0

    def count(layer: int):
        def hook(_module, _args, output):
            fired[layer] += (output.abs() > 1e-3).flatten(0, -2).sum(0)

        return hook

    handles = [module.register_forward_hook(count(layer)) for layer, module in enumerate(posts)]
    for windows in validation_windows(tokenizer, read_wikitext("valid")):
        with torch.no_grad():
            model(input_ids=windows[:, :-1])
        positions += windows[:, 1:].numel()
    for handle in handles:
        handle.remove()
    for layer, counts in enumerate(fired):
        dead = int((counts / positions < 1e-3).sum())
        silent = int((counts == 0).sum())
        print(
            f"{layer}.mlp_post: {dead} of {len(counts)} dead ({dead / len(counts):.1%}), {silent} silent"
        )


def validation_windows(tokenizer: Tokenizer, text: str) -> list[torch.Tensor]:
    """Disjoint windows `[batch, context + 1]` of a text; the tail that fills none is left out."""
    ids = torch.tensor(tokenizer.encode(text).ids)
    count = (len(ids) - 1) // CONTEXT
    return list(ids.unfold(0, CONTEXT + 1, CONTEXT)[:count].split(BATCH))
