"""Trainer of the encoder: networks, initial state and the compiled step."""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from facefill.backend import devices, graph
from facefill.models.dcgan import build_encoder, rebuild
from facefill.models.encoders import TrainedEncoder, width_of
from facefill.models.files import weights_sha256
from facefill.parameters import TrainOptions
from facefill.training.encoder.batches import EncoderBatch
from facefill.training.encoder.step import METRICS, EncoderState, EncoderStep
from facefill.training.encoder.views import Viewer
from facefill.training.state import assign, initial_network_state
from facefill.training.step_loop import finite_metrics


class EncoderTrainer:
    """The encoder of a generator, and the compiled step that trains it."""

    def __init__(
        self,
        generator: keras.Model,
        options: TrainOptions,
        seed: int,
        start: keras.Model | None = None,
    ) -> None:
        """Build the encoder with weights drawn from the seed, or copy ``start``.

        Args:
            generator: The generator that it is for.
            options: Steps, width, arithmetic and device.
            seed: Seed of the weights, and of what is drawn while training.
            start: Encoder to begin with, whose width counts then.
        """
        self._generator_sha256 = weights_sha256(generator)
        self._start = "random" if start is None else options.start_from
        self._steps, self._seed = options.encoder_steps, seed
        self._width = options.encoder_width if start is None else width_of(start)
        self._sizes = int(generator.output_shape[1]), int(generator.input_shape[1])
        precision = devices.resolve_precision(options.precision, options.device)
        self._encoder = build_encoder(*self._sizes, self._width, precision, seed)
        if start is not None:
            self._encoder.set_weights(start.get_weights())
        step = EncoderStep(
            self._encoder,
            rebuild(generator, precision),
            Viewer(self._sizes[0], seed),
            self._steps,
        )

        def advance(state: EncoderState, batches: EncoderBatch) -> Any:
            return graph.repeat(step.step, state, batches, len(METRICS))

        self._advance = graph.compiled(advance, options.device)

    def initial_state(self) -> EncoderState:
        """Make the state before the first step."""
        return EncoderState(
            step=ops.convert_to_tensor(0, "int32"),
            encoder=initial_network_state(self._encoder),
        )

    def describe(self) -> dict[str, Any]:
        """Describe what the steps depend on, as values that JSON can hold."""
        return {
            "generator": self._generator_sha256,
            "start": self._start,
            "encoder_steps": self._steps,
            "encoder_width": self._width,
            "seed": self._seed,
        }

    def advance(
        self, state: EncoderState, batches: EncoderBatch
    ) -> tuple[EncoderState, NDArray[np.float32]]:
        """Take as many steps as there are batches, in the graph.

        Returns:
            The state after them, and the metrics (steps, len(METRICS)).

        Raises:
            NonFiniteError: If a metric is not finite.
        """
        state, records = self._advance(state, batches)
        return state, finite_metrics(records, "encoder", int(state.step))

    def encoder(self, state: EncoderState) -> TrainedEncoder:
        """Copy the encoder out of a state, in float32."""
        network = build_encoder(*self._sizes, self._width)
        assign(network, state.encoder.weights, [])
        return TrainedEncoder(network, self._generator_sha256)
