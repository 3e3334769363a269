"""Rows of numbers, and noisy heights for a diffusion model."""

import numpy as np


def settings(names, _cache):
    """Inputs of surrogates of hyperparameter searches: four settings a row."""
    rng = np.random.default_rng(8)
    low, high = [1, 0, 1, 10], [10, 2, 30, 150]
    return {names[0]: rng.uniform(low, high, (256, 4)).astype(np.float32)}


def heights(_names, _cache):
    """Inputs of a denoiser of terrain: smooth hills under noise of four strengths."""
    rng = np.random.default_rng(9)
    grid = np.linspace(0, 6, 128)
    hills = (
        np.stack([np.sin(grid + k)[:, None] * np.cos(grid * (1 + k / 3)) for k in range(2)])[:, None] * 0.5
    )
    sigma = np.float32([0.1, 1.0])
    noisy = hills + sigma[:, None, None, None] * rng.standard_normal((2, 1, 128, 128))
    return {"noisy": noisy.astype(np.float32), "sigma": sigma, "difficulty": np.float32([0.2, 0.7])}


def constant(*shape):
    return lambda names, cache: {
        names[0]: np.random.default_rng(10).standard_normal(shape).astype(np.float32)
    }


RECIPES = {
    "surfaces-onnx-files/*": settings,
    "adaptive-terrain-diffusion/*": heights,
    "onnxruntime/sigmoid.onnx": constant(3, 4, 5),
    "onnxruntime/*": constant(3, 2),
}
