"""The loop of bamos/dcgan-completion.tensorflow: a call an iteration, then numpy."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from facefill.imaging.masks import build_mask
from facefill.models.dcgan import Architecture, build_discriminator, build_generator
from recipes import ITERATIONS, LAM, LATENT_SIZE


class Reference:
    """The graph that the reference calls once an iteration."""

    def __init__(self, precision: str) -> None:
        """Build both networks."""
        self._generator = build_generator(Architecture(), 1, precision)
        self._discriminator = build_discriminator(Architecture(), 1, precision)

    @tf.function(jit_compile=False)
    def evaluate(self, latents: Any, faces: Any, mask: Any) -> tuple[Any, Any, Any]:
        """Give the loss of each face, its gradient and the generated faces."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(latents)
            pictures = self._generator(latents, training=False)
            logits = self._discriminator(pictures, training=False)
            contextual = tf.reduce_sum(tf.abs(mask * (pictures - faces)), (1, 2, 3))
            perceptual = tf.reduce_mean(keras.ops.softplus(-logits))
            loss = contextual + LAM * perceptual
        return loss, tape.gradient(loss, latents), pictures


def rounds_of_iterations(
    faces: np.ndarray, batch_size: int, precision: str
) -> Callable[[], object]:
    """Search for a batch of faces; every latent is appended to a file of its own."""
    reference = Reference(precision)
    folder = tempfile.TemporaryDirectory()
    logs = [Path(folder.name) / f"hats_{row:02d}.log" for row in range(batch_size)]
    known = build_mask("center", faces.shape[1])[None, :, :, None].astype(np.float32)
    targets = (faces[:batch_size] / 127.5 - 1).astype(np.float32)
    draw = np.random.default_rng(1)
    latents = draw.uniform(-1, 1, (batch_size, LATENT_SIZE)).astype(np.float32)
    first, second = np.zeros_like(latents), np.zeros_like(latents)

    def iterate(number: int) -> None:
        nonlocal latents, first, second
        _, gradient, _ = (
            value.numpy() for value in reference.evaluate(latents, targets, known)
        )
        for row, log in enumerate(logs):
            with log.open("ab") as stream:
                np.savetxt(stream, latents[row : row + 1])
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * np.square(gradient)
        unbiased = first / (1 - 0.9 ** (number + 1))
        scale = np.sqrt(second / (1 - 0.999 ** (number + 1))) + 1e-8
        latents = np.clip(latents - 0.01 * unbiased / scale, -1, 1).astype(np.float32)

    def round_of_iterations(_: Any = folder) -> None:
        # The folder lives as long as this function.
        for number in range(ITERATIONS):
            iterate(number)

    return round_of_iterations
