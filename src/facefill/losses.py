"""The losses of training and of completion, in ``keras.ops`` alone.

Names follow Yeh, Chen et al. 2017 (arXiv 1607.07539): the contextual loss pulls
G(z) towards the known pixels, the perceptual (prior) loss towards what D takes
for a photo. Formulas and signs are those of bamos/dcgan-completion.tensorflow
``model.py``.
"""

from typing import Any, Literal

from keras import ops

from facefill.colours import LUMINANCE_WEIGHTS

Tensor = Any
"""An array of whichever backend runs."""

Prior = Literal["non_saturating", "saturating"]


def discriminator_losses(
    real_logits: Tensor, fake_logits: Tensor, real_label: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Binary cross-entropy of D: photos are 1, generated pictures are 0.

    Args:
        real_logits: D(x), (N, 1) float32.
        fake_logits: D(G(z)), (N, 1) float32.
        real_label: What D is to say of photos. Below 1 it is punished for being
            too sure of them (one-sided smoothing, Salimans et al. 2016, arXiv
            1606.03498).

    Returns:
        Mean -l log D(x) - (1 - l) log(1 - D(x)) with label l, and mean
        -log(1 - D(G(z))), two scalars.
    """
    real = ops.mean(ops.softplus(-real_logits))
    if real_label != 1.0:
        # softplus(x) - softplus(-x) = x
        real = real + (1.0 - real_label) * ops.mean(real_logits)
    fake = ops.mean(ops.softplus(fake_logits))
    return real, fake


def slope_penalty(slope: Tensor) -> Tensor:
    """Half the mean squared length of D's gradients by photos (R1), a scalar.

    Mescheder et al. 2018 (arXiv 1801.04406), equation 9, without its weight.

    Args:
        slope: Of D by each photo, (N, size, size, 3).
    """
    return 0.5 * ops.mean(ops.sum(ops.square(slope), axis=(1, 2, 3)))


def generator_loss(fake_logits: Tensor) -> Tensor:
    """Mean -log D(G(z)), the non-saturating loss of G; a scalar."""
    return ops.mean(ops.softplus(-fake_logits))


def contextual_loss(generated: Tensor, faces: Tensor, weights: Tensor) -> Tensor:
    """Distance of each picture from its face over the known pixels.

    Args:
        generated: G(z), (N, size, size, 3) in [-1, 1].
        faces: Aligned faces, the same shape and range.
        weights: What a pixel counts, 0.0 in the hole, (N, size, size, 1).

    Returns:
        Weighted sum of absolute differences for each picture, (N,).
    """
    return ops.sum(ops.abs(weights * (generated - faces)), axis=(1, 2, 3))


def coarse_contextual_loss(generated: Tensor, faces: Tensor, factor: int) -> Tensor:
    """Distance of each picture from its face after averaging over blocks.

    The contextual loss of super-resolution, where a photo is known only at a
    lower resolution (``lowres`` of the reference).

    Args:
        generated: G(z), (N, size, size, 3) in [-1, 1].
        faces: Aligned faces, the same shape and range.
        factor: Side of a block in pixels; divides size.

    Returns:
        Sum of absolute differences of the block means for each picture, (N,).
    """
    difference = ops.average_pool(generated - faces, factor, factor, "valid")
    return ops.sum(ops.abs(difference), axis=(1, 2, 3))


def grey_contextual_loss(generated: Tensor, faces: Tensor) -> Tensor:
    """Distance of each picture's luminance from that of its face.

    The contextual loss of colouring, where a photo is known only in grey. By the
    weights of ITU-R BT.601, as in ``colours.luminance``.

    Args:
        generated: G(z), (N, size, size, 3) in [-1, 1].
        faces: Aligned faces, the same shape and range.

    Returns:
        Sum of absolute differences of the luminances for each picture, (N,).
    """
    weights = ops.convert_to_tensor(LUMINANCE_WEIGHTS, generated.dtype)
    difference = ops.sum(weights * (generated - faces), axis=-1)
    return ops.sum(ops.abs(difference), axis=(1, 2))


def perceptual_loss(logits: Tensor, prior: Prior = "non_saturating") -> Tensor:
    """How little each picture looks like a photo to D; shape (N,).

    Args:
        logits: D's, (N, 1).
        prior: ``non_saturating`` is -log D(G(z)) of the reference's code,
            ``saturating`` log(1 - D(G(z))) of the paper, which is negative.
    """
    if prior == "saturating":
        return -ops.softplus(logits[:, 0])
    return ops.softplus(-logits[:, 0])
