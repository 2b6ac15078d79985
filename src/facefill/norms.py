"""Batch norm as one operation of the device, for training.

Keras computes a batch norm from single operations in float32, each of which reads and
writes all maps: with bfloat16 on a CPU a step took 1.13 times as long. TensorFlow has
the norm and its gradient in one operation each, in bfloat16 with float32 moments; with
JAX Keras's own are compiled into one.
Networks in files have Keras's own layers, which compute the same but for rounding.
"""

import keras

from facefill import backend
from facefill.losses import Tensor


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """``keras.layers.BatchNormalization`` of (N, H, W, C), faster in training."""

    def call(
        self, inputs: Tensor, training: bool | None = None, mask: Tensor = None
    ) -> Tensor:
        """Normalise by the moments of the batch, or by those of before."""
        is_ours = keras.backend.backend() == "tensorflow" and mask is None
        if not training or not is_ours:
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = backend.fused_batch_norm(
            inputs, self.gamma, self.beta, self.epsilon
        )
        for moving, value in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            moving.assign(moving * self.momentum + value * (1.0 - self.momentum))
        return outputs
