"""Step of the encoder's training: an Adam update through the generator.

From what is known of a picture the encoder gives a latent whose picture is to be the
whole one. Where the picture was generated, its latent is to be found, too.
"""

import math
from typing import Any, NamedTuple

import keras
from keras import ops

from facefill.backend import graph
from facefill.backend.optimizers import AdamRule
from facefill.backend.types import Tensor
from facefill.training.augmentation import flip, to_network_range
from facefill.training.encoder.batches import EncoderBatch
from facefill.training.encoder.views import Viewer
from facefill.training.state import NetworkState
from facefill.training.step import apply_gradients

METRICS = ("pixels", "latents")
"""Names of what a step records: mean absolute error of pixels, 2.0 being their range,
and mean squared error of latents, where they are known."""

LATENT_WEIGHT = 0.1
"""Weight of the error of latents beside that of pixels."""
_LEARNING_RATE = 2e-4


class EncoderState(NamedTuple):
    """Everything that a step changes.

    Attributes:
        step: Steps done, int32 scalar.
        encoder: The encoder.
    """

    step: Tensor
    encoder: NetworkState


class EncoderStep:
    """Updates the encoder; the generator stays as it is."""

    def __init__(
        self,
        encoder: keras.Model,
        generator: keras.Model,
        viewer: Viewer,
        max_steps: int,
    ) -> None:
        """Take the networks.

        Args:
            encoder: Encoder, whose state is passed to each call.
            generator: Its generator.
            viewer: Makes of pictures what is seen of them.
            max_steps: Steps in all, by which the learning rate falls to nothing.
        """
        self._encoder = encoder
        self._generator = generator
        self._frozen = (
            [ops.convert_to_tensor(each) for each in generator.trainable_variables],
            [ops.convert_to_tensor(each) for each in generator.non_trainable_variables],
        )
        self._viewer = viewer
        self._max_steps = max_steps
        self._adam = AdamRule(_LEARNING_RATE)

    def step(
        self, state: EncoderState, batch: EncoderBatch
    ) -> tuple[EncoderState, Tensor]:
        """Update the encoder.

        Returns:
            The state after the step, and its record (len(METRICS),).
        """
        photos = flip(to_network_range(batch.photos), batch.flips)
        pictures = ops.concatenate([self._generate(batch.latents), photos])
        seen = self._viewer.show(pictures, batch.view)
        count = batch.latents.shape[0]

        def loss(weights: list[Tensor]) -> Any:
            found, _ = self._encoder.stateless_call(weights, [], seen)
            pixels = ops.mean(ops.abs(self._generate(found) - pictures))
            latents = ops.mean(ops.square(found[:count] - batch.latents))
            return (pixels + LATENT_WEIGHT * latents,), ops.stack([pixels, latents])

        (slopes,), record = graph.gradients(loss, (state.encoder.weights,))
        share = ops.cast(state.step, "float32") / self._max_steps
        scale = 0.5 * (1.0 + ops.cos(math.pi * share))
        encoder = apply_gradients(
            self._adam, state.encoder, slopes, [], state.step, scale
        )
        return EncoderState(state.step + 1, encoder), record

    def _generate(self, latents: Tensor) -> Tensor:
        pictures, _ = self._generator.stateless_call(
            *self._frozen, latents, training=False
        )
        return pictures
