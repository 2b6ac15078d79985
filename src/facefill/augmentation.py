"""From stored photos to what the discriminator sees, on the device."""

from keras import ops

from facefill.losses import Tensor


def to_network_range(images: Tensor) -> Tensor:
    """Map uint8 pictures to float32 in [-1, 1], on the device.

    The same arithmetic as ``images.to_float``, which is for numpy.
    """
    return ops.cast(images, "float32") / 127.5 - 1.0


def flip(images: Tensor, flips: Tensor) -> Tensor:
    """Mirror some pictures left to right.

    Args:
        images: (N, size, size, 3).
        flips: (N,) bool, True for those to mirror.
    """
    return ops.where(flips[:, None, None, None], ops.flip(images, axis=2), images)
