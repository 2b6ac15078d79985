"""bamos/dcgan-completion.tensorflow ``model.py``: a call a pass, files each batch."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from facefill.models.dcgan import Architecture, build_discriminator, build_generator
from recipes import LATENT_SIZE, STEPS

MAX_FILES = 1024


class Reference:
    """D once, G twice on the same latents, three passes for the losses it prints."""

    def __init__(self, precision: str) -> None:
        """Build both networks and their optimisers."""
        self._generator = build_generator(Architecture(), 1, precision)
        self._discriminator = build_discriminator(Architecture(), 1, precision)
        self._optimizers = [keras.optimizers.Adam(2e-4, 0.5) for _ in range(2)]
        networks = (self._generator, self._discriminator)
        for optimizer, network in zip(self._optimizers, networks, strict=True):
            optimizer.build(network.trainable_variables)

    def step(self, photos: np.ndarray, latents: np.ndarray) -> list[float]:
        """Take a step; give the three losses."""
        self._update_discriminator(photos, latents)
        self._update_generator(latents)
        self._update_generator(latents)
        losses = [
            self._loss_of_pictures(latents, 0.0),
            self._loss_of_photos(photos),
            self._loss_of_pictures(latents, 1.0),
        ]
        return [float(loss) for loss in losses]

    @tf.function(jit_compile=False)
    def _update_discriminator(self, photos: Any, latents: Any) -> None:
        pictures = self._generator(latents, training=True)
        with tf.GradientTape() as tape:
            loss = _cost(self._discriminator(photos, training=True), 1.0)
            loss += _cost(self._discriminator(pictures, training=True), 0.0)
        weights = self._discriminator.trainable_variables
        self._optimizers[1].apply(tape.gradient(loss, weights), weights)

    @tf.function(jit_compile=False)
    def _update_generator(self, latents: Any) -> None:
        weights = self._generator.trainable_variables
        values = [weight.value for weight in weights]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            pictures = self._generator(latents, training=True)
            loss = _cost(self._discriminator(pictures, training=True), 1.0)
        self._optimizers[0].apply(tape.gradient(loss, values), weights)

    @tf.function(jit_compile=False)
    def _loss_of_pictures(self, latents: Any, real: float) -> Any:
        pictures = self._generator(latents, training=False)
        return _cost(self._discriminator(pictures, training=False), real)

    @tf.function(jit_compile=False)
    def _loss_of_photos(self, photos: Any) -> Any:
        return _cost(self._discriminator(photos, training=False), 1.0)


def rounds_of_steps(
    faces: np.ndarray, batch_size: int, precision: str
) -> Callable[[], object]:
    """Write faces as PNG files, and decode those of each batch."""
    reference = Reference(precision)
    folder = tempfile.TemporaryDirectory()
    files = [Path(folder.name) / f"{number:04d}.png" for number in range(MAX_FILES)]
    for file, face in zip(files, faces, strict=False):
        Image.fromarray(np.asarray(face)).save(file)
    files = files[: len(faces)]
    draw, place = np.random.default_rng(0), 0

    def step() -> None:
        nonlocal place
        chosen = [files[(place + row) % len(files)] for row in range(batch_size)]
        place += batch_size
        pixels = np.stack([np.asarray(Image.open(file)) for file in chosen])
        latents = draw.uniform(-1, 1, (batch_size, LATENT_SIZE)).astype(np.float32)
        reference.step((pixels / 127.5 - 1).astype(np.float32), latents)

    def round_of_steps(_: Any = folder) -> None:
        # The folder lives as long as this function.
        for _step in range(STEPS):
            step()

    return round_of_steps


def _cost(logits: Any, real: float) -> Any:
    labels = real * tf.ones_like(logits)
    crosses = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)
    return tf.reduce_mean(crosses)
