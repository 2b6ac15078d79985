"""Trainer of the refiner: networks, initial state and the compiled step."""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from facefill.backend import graph
from facefill.models.refiner import build_patch_discriminator, build_refiner
from facefill.training import spectral_norm
from facefill.training.refiner.step import (
    METRICS,
    Cooling,
    LossWeights,
    PerceptualLoss,
    RefinerBatch,
    RefinerState,
    RefinerStep,
)
from facefill.training.state import assign, initial_network_state
from facefill.training.step_loop import finite_metrics


class RefinerTrainer:
    """The refiner, its discriminator, and the compiled step that trains them."""

    def __init__(
        self,
        size: int,
        seed: int,
        weights: LossWeights,
        perceptual: PerceptualLoss | None = None,
        precision: str = "float32",
        cooling: Cooling | None = None,
    ) -> None:
        """Build both networks with weights drawn from the seed.

        Args:
            size: Side of a crop in pixels.
            seed: Seed of the weights.
            weights: Weights of the losses.
            perceptual: Perceptual distance; see ``RefinerStep``.
            precision: Keras dtype policy of the hidden layers.
            cooling: When the learning rates fall; None is never.
        """
        self._seed, self._losses, self._cooling = seed, weights, cooling
        self._refiner = build_refiner(size, seed, precision)
        self._discriminator = build_patch_discriminator(size, seed + 1, precision)
        networks = self._refiner, self._discriminator
        step = RefinerStep(*networks, weights, perceptual, cooling)

        def advance(state: RefinerState, batches: RefinerBatch) -> Any:
            return graph.repeat(step.step, state, batches, len(METRICS))

        self._advance = graph.compiled(advance, "auto")

    def initial_state(self) -> RefinerState:
        """Make the state before the first step."""
        refiner = initial_network_state(self._refiner)
        discriminator = initial_network_state(self._discriminator)
        vectors = spectral_norm.initial_vectors(discriminator.weights, self._seed)
        return RefinerState(
            step=ops.convert_to_tensor(0, "int32"),
            refiner=refiner,
            discriminator=discriminator._replace(statistics=vectors),
            average=list(refiner.weights),
        )

    def describe(self) -> dict[str, Any]:
        """Describe what the steps depend on, as values that JSON can hold."""
        return {
            "size": int(self._refiner.input_shape[1]),
            "weights": int(self._refiner.count_params()),
            "seed": self._seed,
            "losses": dict(self._losses._asdict()),
            "cooling": list(self._cooling or ()),
        }

    def advance(
        self, state: RefinerState, batches: RefinerBatch
    ) -> tuple[RefinerState, NDArray[np.float32]]:
        """Take as many steps as there are batches, in the graph.

        Returns:
            The state after them, and the metrics (steps, len(METRICS)).

        Raises:
            NonFiniteError: If a metric is not finite.
        """
        state, records = self._advance(state, batches)
        return state, finite_metrics(records, "refiner", int(state.step))

    def refiner(self, state: RefinerState) -> keras.Model:
        """Give the averaged refiner, in float32."""
        assign(self._refiner, state.average, [])
        return self._refiner
