"""Step of the refiner's training: Adam updates of the refiner and its discriminator.

The loss of the refiner's picture is the mean absolute error in the hole, plus the hinge
loss of a patch discriminator (Miyato et al. 2018, arXiv 1802.05957), the distance of
that one's features (Wang et al. 2018, arXiv 1711.11585), and a perceptual distance. The
loss of its mean is the squared error, of which the mean of all that fits has least.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from facefill.backend import graph
from facefill.backend.optimizers import AdamRule
from facefill.backend.types import Tensor
from facefill.models.refiner import refiner_input, residuals
from facefill.training import spectral_norm
from facefill.training.augmentation import flip, to_network_range
from facefill.training.state import NetworkState
from facefill.training.step import apply_gradients

PerceptualLoss = Callable[["Shown", Tensor], Tensor]
"""From pictures beside true ones and the number of the step to a scalar."""

_LONGEST_GRADIENT = 3.0
"""Length of the refiner's gradient, which is 1 to 2 as a rule: a single one that is
much longer moves every weight by 16 rates of Adam, and no layer has a norm."""

WINDOW_SHARE = 2
"""Sides of a window in that of a crop."""

METRICS = ("error", "perceptual", "features", "adversarial", "mean", "hinge")
"""Names of what a step records."""


class RefinerBatch(NamedTuple):
    """Crops of a step.

    Attributes:
        crops: uint8 (N, S, S, 3).
        coarse: Completions of the faces, enlarged, uint8 (N, S, S, 3).
        known: bool (N, S, S), True = known.
        flips: Crops to mirror, bool (N,).
        windows: Row and column where a window around a hidden pixel begins, int32
            (N, 2), of the crop once it is mirrored; see ``windows_on_holes``.
    """

    crops: Tensor
    coarse: Tensor
    known: Tensor
    flips: Tensor
    windows: Tensor


class Shown(NamedTuple):
    """Refined pictures beside the true ones, as a perceptual loss sees them.

    Attributes:
        pictures: (N, S, S, 3) in [-1, 1].
        truth: The same of the true ones.
        hidden: (N, S, S, 1) float32, 1 = in the hole.
        windows: As ``RefinerBatch`` has them.
    """

    pictures: Tensor
    truth: Tensor
    hidden: Tensor
    windows: Tensor


class RefinerState(NamedTuple):
    """Everything that a step changes.

    Attributes:
        step: Steps done, int32 scalar.
        refiner: The refiner.
        discriminator: The patch discriminator; its statistics are the vectors of
            spectral norm.
        average: Moving average of the refiner's weights.
    """

    step: Tensor
    refiner: NetworkState
    discriminator: NetworkState
    average: list[Tensor]


class LossWeights(NamedTuple):
    """Weights of the refiner's losses.

    Attributes:
        error: Of the mean absolute error in the hole, 2.0 being the range of a pixel.
        perceptual: Of the perceptual distance.
        features: Of the distance of the discriminator's features.
        adversarial: Of the hinge loss.
        mean: Of the mean squared error of the mean.
    """

    error: float = 1.0
    perceptual: float = 1.0
    features: float = 0.5
    adversarial: float = 0.1
    mean: float = 4.0


class Cooling(NamedTuple):
    """Steps over which the learning rates fall to zero, linearly.

    Attributes:
        first: The last with the full rates.
        last: The first without any.
    """

    first: int
    last: int

    def share(self, step: Tensor) -> Tensor:
        """Share of the learning rates that a step has."""
        left = (self.last - ops.cast(step, "float32")) / (self.last - self.first)
        return ops.clip(left, 0.0, 1.0)


class _Pictures(NamedTuple):
    seen: Tensor
    truth: Tensor
    coarse: Tensor
    known: Tensor
    weights: Tensor
    windows: Tensor


class RefinerStep:
    """Updates the refiner and its discriminator from the same passes."""

    def __init__(
        self,
        refiner: keras.Model,
        discriminator: keras.Model,
        weights: LossWeights,
        perceptual: PerceptualLoss | None = None,
        cooling: Cooling | None = None,
    ) -> None:
        """Take the networks, whose state is passed to each call.

        Args:
            refiner: From ``build_refiner``.
            discriminator: From ``build_patch_discriminator``.
            weights: Weights of the losses.
            perceptual: Perceptual distance; None is without.
            cooling: When the learning rates fall; None is never.
        """
        self._refiner = refiner
        self._discriminator = discriminator
        self._weights = weights
        self._perceptual = perceptual
        self._adam_refiner = AdamRule(2e-4, 0.5)
        self._adam_discriminator = AdamRule(4e-4, 0.0)
        self._cooling = cooling
        self._decay = 0.998

    def step(
        self, state: RefinerState, batch: RefinerBatch
    ) -> tuple[RefinerState, Tensor]:
        """Update both networks.

        Returns:
            The state after the step, and its record (len(METRICS),).
        """
        pictures = _prepared(batch)

        def forward(weights_d: list[Tensor], weights_r: list[Tensor]) -> Any:
            normed, vectors = spectral_norm.normalized(
                weights_d, state.discriminator.statistics
            )
            refined, mean = self._refined(weights_r, pictures)
            real = self._maps(normed, pictures.truth, pictures)
            fake = self._maps(normed, refined, pictures)
            hinge = _weighted(
                ops.relu(1.0 - real[-1]) + ops.relu(1.0 + fake[-1]), pictures.weights
            )
            parts = self._picture_losses(pictures, refined, (real, fake), state.step)
            parts.append(_error(ops.square(mean - pictures.truth), pictures))
            loss = sum(map(operator.mul, parts, self._weights))
            return (hinge, loss), (vectors, ops.stack([*parts, hinge]))

        gradients, (vectors, record) = graph.gradients(
            forward, (state.discriminator.weights, state.refiner.weights)
        )
        rate = self._cooling.share(state.step) if self._cooling else 1.0
        slopes = clipped(gradients[1], _LONGEST_GRADIENT)
        refiner = apply_gradients(
            self._adam_refiner, state.refiner, slopes, [], state.step, rate
        )
        discriminator = apply_gradients(
            self._adam_discriminator,
            state.discriminator,
            gradients[0],
            vectors,
            state.step,
            rate,
        )
        count = ops.cast(state.step, "float32")
        decay = ops.minimum(self._decay, (1.0 + count) / (10.0 + count))
        average = [
            new + decay * (old - new)
            for old, new in zip(state.average, refiner.weights, strict=True)
        ]
        return RefinerState(state.step + 1, refiner, discriminator, average), record

    def _refined(
        self, weights: list[Tensor], pictures: _Pictures
    ) -> tuple[Tensor, Tensor]:
        painted, _ = self._refiner.stateless_call(
            weights, [], pictures.seen, training=True
        )
        kept = pictures.truth * pictures.known
        hidden = 1.0 - pictures.known
        picture, mean = (
            kept + (pictures.coarse + residual) * hidden
            for residual in residuals(painted)
        )
        return picture, mean

    def _picture_losses(
        self,
        pictures: _Pictures,
        refined: Tensor,
        maps: tuple[list[Tensor], list[Tensor]],
        step: Tensor,
    ) -> list[Tensor]:
        """Losses of the picture, in the order of ``LossWeights``."""
        real, fake = maps
        share = ops.mean(1.0 - pictures.known)
        perceptual = ops.zeros(())
        if self._perceptual is not None:
            hidden = 1.0 - pictures.known
            shown = Shown(refined, pictures.truth, hidden, pictures.windows)
            perceptual = self._perceptual(shown, step)
        features = [
            ops.mean(ops.abs(ours - ops.stop_gradient(true)))
            for ours, true in zip(fake[:-1], real[:-1], strict=True)
        ]
        return [
            _error(ops.abs(refined - pictures.truth), pictures),
            perceptual,
            sum(features) / share,
            -_weighted(fake[-1], pictures.weights),
        ]

    def _maps(
        self, weights: list[Tensor], shown: Tensor, pictures: _Pictures
    ) -> list[Tensor]:
        seen = ops.concatenate([shown, 1.0 - pictures.known], axis=-1)
        maps, _ = self._discriminator.stateless_call(weights, [], seen, training=True)
        return [ops.cast(each, "float32") for each in maps]


def clipped(gradients: Sequence[Tensor], longest: float) -> list[Tensor]:
    """Shorten gradients to a length if they are longer, all by one factor.

    Pascanu, Mikolov, Bengio 2013 (arXiv 1211.5063), algorithm 1.

    Args:
        gradients: Of all weights; their length is that of all numbers together.
        longest: The length.
    """
    length = ops.sqrt(sum(ops.sum(ops.square(each)) for each in gradients))
    factor = longest / ops.maximum(length, longest)
    return [each * factor for each in gradients]


def _prepared(batch: RefinerBatch) -> _Pictures:
    truth = flip(to_network_range(batch.crops), batch.flips)
    coarse = flip(to_network_range(batch.coarse), batch.flips)
    known = flip(ops.cast(batch.known, "float32")[..., None], batch.flips)
    return _Pictures(
        seen=refiner_input(truth, coarse, known),
        truth=truth,
        coarse=coarse,
        known=known,
        # Share of the hole in the part of the crop that each logit is in the middle of.
        weights=ops.average_pool(1.0 - known, 8, 8),
        windows=batch.windows,
    )


def _error(errors: Tensor, pictures: _Pictures) -> Tensor:
    """Mean of errors over the hole."""
    return ops.mean(errors) / ops.mean(1.0 - pictures.known)


def _weighted(values: Tensor, weights: Tensor) -> Tensor:
    return ops.sum(values * weights) / ops.sum(weights)
