"""`models/bert`: a BERT trained to fill in masked words, GELU in its erf form, TorchScript exporter."""

from dataclasses import dataclass, replace

import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertForMaskedLM

from .golden import stored_tokens, write_golden
from .onnx_files import export_onnx, max_abs_difference
from .site_list import Site, Weights, write_sites
from .taps import bert_taps
from .text import ROOT, read_wikitext, training_text
from .training import Schedule, load_or_train, train
from .vocabulary import BERT_SPECIAL, save_tokenizer, wordpiece

LAYERS, WIDTH, HEADS, CONTEXT, VOCABULARY = 4, 128, 4, 128, 1024
#: Tokens in a step. Windows are short for the first part of training: what a neighbour says is learned first, and sooner.
STEP_TOKENS, SHORT_WINDOW, SHORT_SHARE = 2048, 32, 0.8
#: Of all tokens 15 % are to be guessed: 80 % of those masked, 10 % random, 10 % left (Devlin et al. 2019).
GUESSED, MASKED, RANDOM = 0.15, 0.8, 0.1
GOLDEN_TOKENS, GOLDEN_PADDING = 48, 17


@dataclass(frozen=True)
class HoldAndDecay(Schedule):
    """Warm-up, then the peak learning rate while windows are short, then a straight line down."""

    def learning_rate(self, step: int) -> float:
        if step < self.warmup_steps:
            return self.peak_learning_rate * (step + 1) / self.warmup_steps
        decayed = max(0.0, step / self.steps - SHORT_SHARE) / (1 - SHORT_SHARE)
        return self.peak_learning_rate * (1 - (1 - self.final) * decayed)


SCHEDULE = HoldAndDecay(steps=3343, peak_learning_rate=1e-3, warmup_steps=300)
#: Then once more over full windows only.
FULL_WINDOWS = Schedule(steps=1300, peak_learning_rate=1e-3, warmup_steps=50)
FUNCTIONS = {"mlp_pre": "gelu", "mlp_post": "gelu"}


def make(steps: int | None, reuse: bool) -> None:
    """Write `models/bert/`."""
    folder = ROOT / "models" / "bert"
    tokenizer = wordpiece(VOCABULARY)
    save_tokenizer(tokenizer, folder, CONTEXT)
    model = new_model(tokenizer)
    schedule = replace(SCHEDULE, steps=steps or SCHEDULE.steps)
    load_or_train(model, "bert", reuse, lambda: train_model(model, tokenizer, schedule))
    path = folder / "model.onnx"
    inputs = golden_inputs(tokenizer)
    export_onnx(model, inputs, path, "torchscript", 17)
    difference = max_abs_difference(model, inputs, path)
    print(
        f"{path.name}: {path.stat().st_size:,} bytes, max |onnxruntime - torch| = {difference:.2e}"
    )
    write_golden(
        folder / "golden.json", model, bert_taps(model), inputs, FUNCTIONS, stored_tokens(inputs)
    )
    write_sites(folder / "sites.json", path, sites(model), notSites=[prediction_head()])
    report_guesses(model, tokenizer)


def new_model(tokenizer: Tokenizer) -> BertForMaskedLM:
    """The model before training."""
    torch.manual_seed(0)
    config = BertConfig(
        num_hidden_layers=LAYERS, hidden_size=WIDTH, num_attention_heads=HEADS,
        intermediate_size=4 * WIDTH, max_position_embeddings=CONTEXT, hidden_act="gelu",
        vocab_size=tokenizer.get_vocab_size(), pad_token_id=tokenizer.token_to_id("[PAD]"),
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    return BertForMaskedLM(config)


def train_model(model: BertForMaskedLM, tokenizer: Tokenizer, schedule: Schedule) -> None:
    """Masked-word guessing on random windows of the training text."""
    encodings = tokenizer.encode_batch(training_text(), add_special_tokens=False)
    stream = torch.tensor([token for encoding in encodings for token in encoding.ids])
    print(f"{model.num_parameters():,} parameters, {len(stream):,} training tokens", flush=True)
    short_steps = SHORT_SHARE * schedule.steps
    for seed, stage, short in ((0, schedule, short_steps), (1, FULL_WINDOWS, 0)):
        random = torch.Generator().manual_seed(seed)

        def loss_of(step: int, random=random, short=short) -> torch.Tensor:
            window = SHORT_WINDOW if step < short else CONTEXT
            starts = torch.randint(len(stream) - window, (STEP_TOKENS // window,), generator=random)
            rows = torch.stack([stream[start : start + window - 2] for start in starts])
            return guess(model, framed(rows, tokenizer), tokenizer, random)[0]

        train(model, loss_of, stage)


def framed(rows: torch.Tensor, tokenizer: Tokenizer) -> torch.Tensor:
    """Rows `[batch, tokens]` between `[CLS]` and `[SEP]`."""
    start, end = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
    column = torch.ones(len(rows), 1, dtype=torch.int64)
    return torch.cat([start * column, rows, end * column], 1)


def guess(
    model: BertForMaskedLM,
    rows: torch.Tensor,
    tokenizer: Tokenizer,
    random: torch.Generator,
    masked: float = MASKED,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean loss over the guessed tokens, and which of them came out right."""
    special = len(BERT_SPECIAL)
    chosen = (torch.rand(rows.shape, generator=random) < GUESSED) & (rows >= special)
    kind = torch.rand(rows.shape, generator=random)
    noise = torch.randint(special, tokenizer.get_vocab_size(), rows.shape, generator=random)
    corrupted = rows.clone()
    corrupted[chosen & (kind < masked)] = tokenizer.token_to_id("[MASK]")
    swapped = chosen & (kind >= masked) & (kind < masked + RANDOM)
    corrupted[swapped] = noise[swapped]
    hidden = model.bert(input_ids=corrupted).last_hidden_state[chosen]
    logits = model.cls(hidden)
    loss = torch.nn.functional.cross_entropy(logits, rows[chosen])
    return loss, logits.argmax(-1) == rows[chosen]


def golden_inputs(tokenizer: Tokenizer) -> dict[str, torch.Tensor]:
    """Two stretches of the validation split `[2, 48]`, framed, the second padded at its end."""
    ids = tokenizer.encode(read_wikitext("valid"), add_special_tokens=False).ids
    text = GOLDEN_TOKENS - 2
    rows = framed(torch.tensor(ids[: 2 * text]).reshape(2, text), tokenizer)
    mask = torch.ones_like(rows)
    mask[1, -GOLDEN_PADDING:] = 0
    rows[1, -GOLDEN_PADDING:] = tokenizer.token_to_id("[PAD]")
    rows[1, -GOLDEN_PADDING - 1] = tokenizer.token_to_id("[SEP]")
    types = torch.zeros_like(rows)
    types[:, text // 2 :] = 1
    return {"input_ids": rows, "attention_mask": mask, "token_type_ids": types}


def sites(model: BertForMaskedLM) -> list[Site]:
    """`nn.Linear` keeps a weight as `[out, in]`."""
    found = []
    for index, layer in enumerate(model.bert.encoder.layer):
        projection = layer.attention.output.dense
        up, down = layer.intermediate.dense, layer.output.dense
        mlp = [Weights("in", up.weight, 0, up.bias), Weights("out", down.weight, 1)]
        attention = [Weights("in", projection.weight, 0, projection.bias)]
        found += [
            Site(f"{index}.attn_out", WIDTH, None, attention),
            Site(f"{index}.mlp_pre", 4 * WIDTH, "gelu", mlp),
            Site(f"{index}.mlp_post", 4 * WIDTH, "gelu", mlp),
        ]
    return found


def prediction_head() -> dict[str, object]:
    """The GELU of the masked-word head belongs to no block, so it is not one of the sites."""
    return {
        "module": "cls.predictions.transform.transform_act_fn",
        "activation": "gelu",
        "neurons": WIDTH,
    }


def report_guesses(model: BertForMaskedLM, tokenizer: Tokenizer) -> None:
    """Loss and accuracy on the guessed tokens of the validation split, all of them masked.

    Tokens left as they are, as in training, could be copied and would flatter the accuracy.
    """
    ids = tokenizer.encode(read_wikitext("valid"), add_special_tokens=False).ids
    rows = torch.tensor(ids).unfold(0, CONTEXT - 2, CONTEXT - 2)
    random = torch.Generator().manual_seed(1)
    losses, right = [], []
    with torch.no_grad():
        for batch in rows.split(STEP_TOKENS // CONTEXT):
            loss, correct = guess(model, framed(batch, tokenizer), tokenizer, random, masked=1.0)
            losses.append(loss.item() * len(correct))
            right.append(correct)
    count = sum(len(part) for part in right)
    accuracy = torch.cat(right).float().mean().item()
    print(
        f"valid: masked-token loss {sum(losses) / count:.3f}, accuracy {accuracy:.1%} of {count:,}"
    )
