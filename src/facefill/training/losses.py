"""Losses of G and D: binary cross-entropy and the R1 gradient penalty."""

from keras import ops

from facefill.backend.types import Tensor


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
