"""Tokenizers trained on the training text, saved as Hugging Face `tokenizer.json`."""

import json
from pathlib import Path

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from .text import training_text

END_OF_TEXT = "<|endoftext|>"
BERT_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def byte_level_bpe(vocabulary: int) -> Tokenizer:
    """GPT-2's kind of tokenizer: every byte string has tokens, so nothing is unknown."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(training_text(), trainer)
    return tokenizer


def wordpiece(vocabulary: int) -> Tokenizer:
    """BERT's kind of tokenizer: lower case, accents stripped, `[CLS] A [SEP] B [SEP]`."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary, special_tokens=BERT_SPECIAL, limit_alphabet=200, show_progress=False
    )
    tokenizer.train_from_iterator(training_text(), trainer)
    tokenizer.model = in_order(tokenizer)
    start, end = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", start), ("[SEP]", end)],
    )
    return tokenizer


def in_order(tokenizer: Tokenizer) -> models.WordPiece:
    """The vocabulary, the special tokens first and then by the alphabet.

    The trainer numbers `##a`, `##b`, ... in another order at each run; WordPiece takes the longest
    match, so the order means nothing to it.
    """
    others = sorted(set(tokenizer.get_vocab()) - set(BERT_SPECIAL))
    vocabulary = {token: index for index, token in enumerate([*BERT_SPECIAL, *others])}
    return models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100)


def save_tokenizer(tokenizer: Tokenizer, folder: Path, context: int) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json`; `context` is the model's longest sequence."""
    folder.mkdir(parents=True, exist_ok=True)
    data = json.loads(tokenizer.to_str())
    byte_level = data["model"]["type"] == "BPE"
    config = {"model_max_length": context}
    if byte_level:
        config |= {
            "tokenizer_class": "GPT2Tokenizer",
            "add_prefix_space": False,
            "bos_token": END_OF_TEXT,
            "eos_token": END_OF_TEXT,
            "unk_token": END_OF_TEXT,
        }
    else:
        names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
        config |= {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
        config |= dict(zip(names, BERT_SPECIAL, strict=True))
    write_json(folder / "tokenizer.json", data)
    write_json(folder / "tokenizer_config.json", config)


def write_json(path: Path, data: object) -> None:
    """Two-space JSON in UTF-8, ended by a newline."""
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
