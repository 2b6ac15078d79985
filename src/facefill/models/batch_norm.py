"""Fused batch normalization for training, as one operation of the device.

Keras computes a batch norm from single operations in float32, each of which reads and
writes all maps: with bfloat16 on a CPU a step took 1.13 times as long. TensorFlow has
the norm and its gradient in one operation each, in bfloat16 with float32 moments; with
JAX Keras's own are compiled into one.
Networks in files have Keras's own layers, which compute the same but for rounding.
"""

import keras

from facefill.backend import keras_defaults  # noqa: F401  # for its effect
from facefill.backend.types import Tensor


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """``keras.layers.BatchNormalization`` of (N, H, W, C), faster in training."""

    def call(
        self, inputs: Tensor, training: bool | None = None, mask: Tensor = None
    ) -> Tensor:
        """Normalise by the moments of the batch, or by those of before."""
        is_ours = keras.backend.backend() == "tensorflow" and mask is None
        if not training or not is_ours:
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = fused_batch_norm(
            inputs, self.gamma, self.beta, self.epsilon
        )
        for moving, value in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            moving.assign(moving * self.momentum + value * (1.0 - self.momentum))
        return outputs


def fused_batch_norm(
    maps: Tensor, scale: Tensor, offset: Tensor, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalise maps by their own moments, as one operation of TensorFlow.

    Args:
        maps: (N, H, W, C), float32 or bfloat16.
        scale: (C,) float32, likewise ``offset``, which the mean becomes.
        offset: See there.
        epsilon: Added to the variance.

    Returns:
        The maps, and mean and variance (divided by N H W) of each channel, float32.
    """
    import tensorflow as tf

    scale, offset = tf.convert_to_tensor(scale), tf.convert_to_tensor(offset)
    none = {"mean": tf.zeros((0,)), "variance": tf.zeros((0,))}
    normed, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=maps, scale=scale, offset=offset, epsilon=epsilon, is_training=True, **none
    )
    # The operation estimates the variance of all maps that there might be.
    count = tf.cast(tf.size(maps) // tf.shape(maps)[-1], tf.float32)
    return normed, mean, variance * ((count - 1.0) / count)
