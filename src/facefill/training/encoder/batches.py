"""Batches of the encoder's training: training faces, latents, and how all are shown."""

from typing import NamedTuple

import numpy as np

from facefill.backend.types import Tensor
from facefill.preparation.sharded_array import (
    ImageArray,
    ShardedArray,
    expect_random_reads,
)
from facefill.runtime.rng import Purpose, keyed_rng, uniform_latents
from facefill.training.batches import batch_indices
from facefill.training.encoder.views import View, draw_view


class EncoderBatch(NamedTuple):
    """Pictures of a step: half are generated ones, half are photos.

    Attributes:
        latents: Latents of those that are generated, float32 (N / 2, latent_size).
        photos: uint8 (N / 2, S, S, 3).
        flips: Photos to mirror, bool (N / 2,).
        view: How each is shown, the generated ones first.
    """

    latents: Tensor
    photos: Tensor
    flips: Tensor
    view: View


class EncoderBatches:
    """Batches as functions of (seed, step)."""

    def __init__(
        self, photos: ImageArray, latent_size: int, seed: int, *, flip: bool
    ) -> None:
        """Take the photos; none is read yet.

        Args:
            photos: Those of the training split, uint8 (N, S, S, 3); may be memory maps
                larger than memory.
            latent_size: Length of z.
            seed: Seed of the order and of all that is drawn.
            flip: Whether photos are mirrored at random.
        """
        self._photos = (
            photos if isinstance(photos, ShardedArray) else ShardedArray([photos])
        )
        self._latent_size = latent_size
        self._seed = seed
        self._flip = flip
        expect_random_reads(self._photos)

    def batch(self, step: int, batch_size: int) -> EncoderBatch:
        """Batch of a step.

        Args:
            step: Steps done.
            batch_size: Pictures; an even number, or one less are made, two at least.
        """
        half = max(1, batch_size // 2)
        rng = keyed_rng(self._seed, Purpose.ENCODER_BATCH, step)
        rows = batch_indices(len(self._photos), half, self._seed, step)
        return EncoderBatch(
            latents=uniform_latents(rng, half, self._latent_size),
            # Sorted reads of a memory map are faster.
            photos=self._photos[np.sort(rows)],
            flips=(rng.random(half) < 0.5) & self._flip,
            view=draw_view(rng, 2 * half),
        )
