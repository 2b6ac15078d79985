r"""An encoder as the start of a search: is one pass worth as much as iterations?

Usage::

    python benchmarks/encoder.py data/05_model_input/faces.npy searches/ \
        [--steps 27500] [--batch-size 256] [--width 48] [--count 200]

A network is trained to give z of a picture of which something is known, so that G(z)
is the whole picture: half of the pictures are generated ones, half training faces. Of
eight, five are under masks of six kinds, one is coarse, one is grey, one noisy. From
what it gives for held-out faces under the mask ``center``, searches of several lengths
go on. Results lie beside those of ``searches.py``, whose ``--report`` compares them.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from facefill.backend import devices, graph
from facefill.backend.optimizers import AdamRule
from facefill.evaluation.completions import hold_out
from facefill.imaging.colour import LUMINANCE_WEIGHTS
from facefill.imaging.degradations import block_side
from facefill.imaging.masks import build_mask
from facefill.inversion.encoder import Encoder, encoder_input
from facefill.inversion.measurement import Measurement
from facefill.inversion.search import LatentSearch
from facefill.models import pretrained
from facefill.models.dcgan import build_encoder, rebuild
from facefill.parameters import CompleteOptions, MaskName
from facefill.preparation.face_set import read_face_set
from facefill.preparation.splits import VALIDATION
from facefill.runtime import rng
from searches import LAM, SEED, damaged, descend, keep

MASKS: tuple[MaskName, ...] = (
    "center",
    "random",
    "half",
    "pattern",
    "strokes",
    "grid",
)
NUM_MASKS = 512
NUM_NOISES = 256
NOISES = (5.0, 50.0)
"""Least and largest standard deviation of a noisy picture, in grey levels."""
MASKED, COARSE, GREY, NOISY = range(4)
SHARES = (5 / 8, 1 / 8, 1 / 8, 1 / 8)
"""Of the pictures that are shown masked, coarse, grey and noisy."""
STEPS_A_CALL = 50
LATENT_WEIGHT = 0.1
"""Of the mean squared error of z, where z is known; that of pixels is mean |error|."""
LENGTHS = (20, 50, 150)


class Lesson:
    """The training of an encoder."""

    def __init__(self, encoder: Any, generator: Any, steps: int) -> None:
        """Compile the step."""
        self._encoder = encoder
        self._generator = generator
        self._steps = steps
        self._rule = AdamRule(2e-4)
        size = encoder.input_shape[1]
        masks = [
            build_mask(MASKS[number % len(MASKS)], size, seed=number)
            for number in range(NUM_MASKS)
        ]
        noises = np.random.default_rng(SEED).normal(size=(NUM_NOISES, size, size, 3))
        self._masks = ops.convert_to_tensor(np.stack(masks)[..., None], "float32")
        self._noises = ops.convert_to_tensor(noises, "float32")
        self._advance = graph.compiled(self._advance_in_graph, "auto")

    def _step(self, state: Any, inputs: Any) -> Any:
        weights, moments, step, frozen = state
        photos, latents, sights = inputs
        drawn, _ = self._generator.stateless_call(*frozen, latents, training=False)
        photos = ops.cast(photos, "float32") / 127.5 - 1.0
        pictures = ops.concatenate([drawn, photos])
        seen = self._shown(pictures, *sights)

        def loss(weights: Any) -> Any:
            found, _ = self._encoder.stateless_call(weights, [], seen)
            painted, _ = self._generator.stateless_call(*frozen, found, training=False)
            pixels = ops.mean(ops.abs(painted - pictures))
            known = ops.mean(ops.square(found[: len(latents)] - latents))
            return (pixels + LATENT_WEIGHT * known,), (pixels, known)

        (slopes,), parts = graph.gradients(loss, (weights,))
        part = ops.cast(step, "float32") / self._steps
        scale = 0.5 * (1.0 + ops.cos(np.pi * part))
        updates = [
            self._rule.update(*each, step, scale)
            for each in zip(weights, slopes, moments, strict=True)
        ]
        weights, moments = (list(each) for each in zip(*updates, strict=True))
        return (weights, moments, step + 1, frozen), ops.stack(parts)

    def _advance_in_graph(self, state: Any, inputs: Any) -> Any:
        return graph.repeat(self._step, state, inputs, 2)

    def _shown(
        self, pictures: Any, masks: Any, kinds: Any, noises: Any, levels: Any
    ) -> Any:
        """Make of whole pictures what is known of them, each of its kind."""
        size = pictures.shape[1]
        factor = block_side(size)
        blocks = (-1, size // factor, factor, size // factor, factor, 3)
        coarse = ops.mean(ops.reshape(pictures, blocks), axis=(2, 4))
        coarse = ops.repeat(ops.repeat(coarse, factor, axis=1), factor, axis=2)
        grey = ops.sum(pictures * ops.array(LUMINANCE_WEIGHTS), axis=-1, keepdims=True)
        noise = ops.take(self._noises, noises, axis=0)
        noisy = ops.clip(pictures + levels[:, None, None, None] * noise, -1.0, 1.0)
        kinds = kinds[:, None, None, None]
        for kind, changed in ((COARSE, coarse), (GREY, grey), (NOISY, noisy)):
            pictures = ops.where(kinds == kind, changed, pictures)
        masks = ops.take(self._masks, masks, axis=0)
        return encoder_input(pictures, ops.where(kinds == MASKED, masks, 1.0))

    def run(self, photos: Any, batch_size: int) -> None:
        """Train, and leave the weights in the encoder."""
        weights = [ops.convert_to_tensor(v) for v in self._encoder.trainable_variables]
        frozen = [
            [ops.convert_to_tensor(v) for v in variables]
            for variables in (
                self._generator.trainable_variables,
                self._generator.non_trainable_variables,
            )
        ]
        moments = [self._rule.initial(value) for value in weights]
        state = (weights, moments, ops.convert_to_tensor(0), frozen)
        draw = np.random.default_rng(SEED)
        half, latent_size = batch_size // 2, self._generator.input_shape[1]
        for first in range(0, self._steps, STEPS_A_CALL):
            shape = (STEPS_A_CALL, half)
            chosen = np.asarray(photos[draw.integers(0, len(photos), shape)])
            flips = draw.random(shape)[..., None, None, None] < 0.5
            latents = rng.uniform_latents(draw, STEPS_A_CALL * half, latent_size)
            inputs = (
                np.where(flips, chosen[:, :, :, ::-1], chosen),
                latents.reshape(*shape, latent_size),
                sights(draw, (STEPS_A_CALL, batch_size)),
            )
            state, records = self._advance(state, inputs)
            if first % 500 == 0:
                pixels, known = ops.convert_to_numpy(records).mean(axis=0)
                print(f"step {first}: pixels {pixels:.4f}, z {known:.4f}", flush=True)
        for variable, value in zip(
            self._encoder.trainable_variables, state[0], strict=True
        ):
            variable.assign(value)


def sights(draw: np.random.Generator, shape: tuple[int, int]) -> tuple[Any, ...]:
    """Draw how pictures are shown: mask, kind, noise and its level in [-1, 1]."""
    return (
        draw.integers(0, NUM_MASKS, shape, np.int32),
        draw.choice(len(SHARES), shape, p=SHARES).astype(np.int32),
        draw.integers(0, NUM_NOISES, shape, np.int32),
        (draw.uniform(*NOISES, shape) / 127.5).astype(np.float32),
    )


class GivenStarts:
    """Starts that were computed before, by the key of their measurement."""

    fingerprint = ""

    def __init__(self, firsts: dict[str, np.ndarray]) -> None:
        """Take a latent for each key."""
        self._firsts = firsts

    def latents(self, measurement: Measurement) -> np.ndarray:
        """The one start of a measurement, (1, latent_size)."""
        return self._firsts[measurement.key][None]


def search_from(
    firsts: dict[str, np.ndarray],
    targets: Sequence[Measurement],
    folder: Path,
    batch_size: int,
) -> None:
    """Search from the encoder's latents, at several lengths."""
    pair = pretrained.load_pair()
    # One iteration of no length measures the start.
    lengths: dict[str, dict[str, Any]] = {
        "encoder alone": {"iterations": 1, "keep": "best", "learning_rate": 1e-9}
    }
    for length in LENGTHS:
        lengths[f"encoder, {length} iterations"] = {"iterations": length}
    for name, changes in lengths.items():
        values = {"precision": "float32", "batch_size": batch_size, "encoder": False}
        values |= changes
        options = CompleteOptions.model_validate(values)
        plain = options.model_copy(update={"fit": "none"})
        searcher = LatentSearch(*pair, plain, LAM, SEED)
        searcher.starts = GivenStarts(firsts)
        started = time.monotonic()
        found = descend(searcher, targets)
        seconds = (time.monotonic() - started) / len(targets)
        keep(folder / f"{name}.npz", targets, (*found, options), seconds)


def main() -> None:
    """Train an encoder, and search from what it gives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path, help="faces.npy of a prepared project")
    parser.add_argument("folder", type=Path, help="where results are kept")
    parser.add_argument("--steps", type=int, default=27500)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--search-batch-size", type=int, default=8)
    parser.add_argument("--width", type=int, default=48)
    parser.add_argument("--count", type=int, default=200)
    given = parser.parse_args()
    faces = read_face_set(given.faces)
    precision = devices.resolve_precision("auto", "auto")
    generator = pretrained.load_pair().generator
    size, latent_size = generator.output_shape[1], generator.input_shape[1]
    encoder = build_encoder(size, latent_size, given.width, precision)
    lesson = Lesson(encoder, rebuild(generator, precision), given.steps)
    started = time.monotonic()
    lesson.run(faces.of_split("train"), given.batch_size)
    print(f"{encoder.count_params():,} weights, {time.monotonic() - started:.0f} s")
    targets = damaged(hold_out(faces, given.count, SEED, VALIDATION), "center")
    latent = Encoder(encoder).latent
    firsts = {target.key: latent(target) for target in targets}
    search_from(firsts, targets, given.folder / "center", given.search_batch_size)
    encoder.save(given.folder / "encoder.keras")


if __name__ == "__main__":
    main()
