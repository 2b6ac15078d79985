"""Contextual and perceptual losses of the latent search, in ``keras.ops`` alone.

Names follow Yeh, Chen et al. 2017 (arXiv 1607.07539): the contextual loss pulls
G(z) towards the known pixels, the perceptual (prior) loss towards what D takes
for a photo. Formulas and signs are those of bamos/dcgan-completion.tensorflow
``model.py``.
"""

from keras import ops

from facefill.backend.types import Tensor
from facefill.imaging.colour import LUMINANCE_WEIGHTS
from facefill.parameters.choices import Prior


def contextual_loss(generated: Tensor, faces: Tensor, weights: Tensor) -> Tensor:
    """Weighted L1 distance of pictures from faces over the known pixels.

    Args:
        generated: G(z), (N, size, size, 3) in [-1, 1].
        faces: Aligned faces, the same shape and range.
        weights: Weight of each pixel, 0.0 in the hole, (N, size, size, 1).

    Returns:
        Weighted sum of absolute differences for each picture, (N,).
    """
    return ops.sum(ops.abs(weights * (generated - faces)), axis=(1, 2, 3))


def coarse_contextual_loss(generated: Tensor, faces: Tensor, factor: int) -> Tensor:
    """L1 distance of pictures from faces after averaging over blocks.

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
    """L1 distance of the luminances of pictures and faces.

    The contextual loss of colouring, where a photo is known only in grey. Luminance
    is that of ITU-R BT.601, as in ``colour.luminance``.

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
    """Generator loss of each picture, its prior under D; shape (N,).

    Args:
        logits: Logits of D, (N, 1).
        prior: ``non_saturating`` is -log D(G(z)) of the reference's code,
            ``saturating`` log(1 - D(G(z))) of the paper, which is negative.
    """
    if prior == "saturating":
        return -ops.softplus(logits[:, 0])
    return ops.softplus(-logits[:, 0])
