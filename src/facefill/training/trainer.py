"""DCGAN trainer: networks, initial state and the compiled training step.

The step runs K times in the graph between two looks at the losses. In the lean
order both networks learn from one pass of the generator and one of the
discriminator over photos and pictures: 3.3 GFLOP a photo at the default sizes,
against 7.2 of the reference, which runs the generator anew for each update and
again to print the losses.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from facefill.backend import devices, graph
from facefill.backend.types import Tensor
from facefill.errors import ModelError, NonFiniteError, TrainingError
from facefill.imaging.pictures import to_uint8
from facefill.models.dcgan import (
    Architecture,
    Norms,
    build_discriminator,
    build_generator,
    rebuild,
)
from facefill.models.files import ModelPair
from facefill.parameters import TrainOptions
from facefill.training import augmentation
from facefill.training.discriminator import DiscriminatorPass
from facefill.training.distribution import Strategy, choose_strategy
from facefill.training.state import (
    Batch,
    NetworkState,
    TrainState,
    assign,
    initial_network_state,
)
from facefill.training.step import GanStep


class Trainer:
    """The two networks and the step that trains them."""

    def __init__(
        self,
        options: TrainOptions,
        image_size: int,
        seed: int,
        start: ModelPair | None = None,
        strategy: Strategy | None = None,
    ) -> None:
        """Build both networks with weights drawn from the seed, or copy ``start``.

        Args:
            options: Of training.
            image_size: Side of a picture in pixels.
            seed: Of the weights and of everything that is drawn while training.
            start: Networks to begin with; their layers count then, not the widths of
                the options.
            strategy: From ``choose_strategy``, for a process that had to choose it
                earlier, or that trains more than once on several devices. None
                chooses it by the options.

        Raises:
            ModelError: If ``start`` is of another image or latent size, or its
                discriminator has other norms.
            TrainingError: If the devices of ``train.distribute`` are not there, or
                cannot share a batch equally.
        """
        self.options = options
        self.seed = seed
        self.architecture = Architecture(
            image_size=image_size,
            latent_size=options.latent_size,
            generator_width=options.generator_width,
            discriminator_width=options.discriminator_width,
            discriminator_norm=options.discriminator_norm,
        )
        # Before anything else, which would keep a process from joining its cluster.
        self.strategy = strategy or choose_strategy(options.distribute, options.device)
        num_devices = self.strategy.num_devices
        _require_equal_parts(options.batch_size, num_devices)
        precision = devices.resolve_precision(options.precision, options.device)
        networks = start or ModelPair(
            build_generator(self.architecture, seed),
            build_discriminator(self.architecture, seed),
        )
        networks.require_sizes(image_size, options.latent_size)
        _require_norm(networks.discriminator, options.discriminator_norm)
        together: Norms = "synchronized" if num_devices > 1 else "fused"
        self._generator = rebuild(networks.generator, precision, together)
        # The penalty takes second derivatives, from which TensorFlow's own moments hide
        # that a mean depends on every picture; synchronised ones do not.
        has_penalty = options.r1_weight > 0.0 and graph.has_replicas()
        self._discriminator = rebuild(
            networks.discriminator,
            precision,
            "synchronized" if has_penalty else together,
        )
        self._discriminator_pass = DiscriminatorPass(self._discriminator, options, seed)
        self._gan_step = GanStep(self._generator, self._discriminator_pass, options)
        self._steps = self.strategy.compile_steps(self._step, len(self.metrics))
        self._generate = graph.compiled(self._generate_in_graph, options.device)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the columns that ``advance`` returns for each step."""
        return self._gan_step.metrics

    def initial_state(self) -> TrainState:
        """Make the state before the first step."""
        generator = initial_network_state(self._generator)
        return TrainState(
            step=ops.convert_to_tensor(0, "int32"),
            generator=generator,
            discriminator=self._discriminator_pass.initial_state(),
            average=[*generator.weights, *generator.statistics],
        )

    @property
    def start(self) -> str:
        """Name what the training starts from, and the sizes that it brings along."""
        if self.options.start_from == "random":
            return "random"
        counts = self._generator.count_params(), self._discriminator.count_params()
        return f"{self.options.start_from} ({counts[0]} and {counts[1]} weights)"

    def advance(
        self, state: TrainState, batches: Batch
    ) -> tuple[TrainState, np.ndarray]:
        """Take as many steps as there are batches, in the graph.

        Returns:
            The state after them, and the metrics (steps, len(self.metrics)).

        Raises:
            NonFiniteError: If a metric of one of the steps is not finite.
        """
        first = int(state.step)
        state, records = self._steps(state, batches)
        metrics = np.asarray(ops.convert_to_numpy(records))
        _require_finite(metrics, self.metrics, first)
        return state, metrics

    def generate(self, state: TrainState, latents: np.ndarray) -> np.ndarray:
        """Sample the averaged generator in inference mode.

        Args:
            state: Of the training.
            latents: (N, latent_size) float32 in [-1, 1].

        Returns:
            uint8 (N, S, S, 3).
        """
        pictures = self._generate(state.average, ops.convert_to_tensor(latents))
        return to_uint8(np.asarray(ops.convert_to_numpy(pictures)))

    def models(self, state: TrainState) -> tuple[keras.Model, keras.Model]:
        """Copy the averaged generator and the discriminator out of a state.

        Returns:
            Both as plain Keras models in float32.
        """
        generator = rebuild(self._generator, "float32")
        discriminator = rebuild(self._discriminator, "float32")
        split = len(state.generator.weights)
        assign(generator, state.average[:split], state.average[split:])
        effective = self._discriminator_pass.effective(state.discriminator)
        assign(discriminator, *effective)
        return generator, discriminator

    def _generate_in_graph(self, average: list[Tensor], latents: Tensor) -> Tensor:
        split = len(self._generator.trainable_variables)
        pictures, _ = self._generator.stateless_call(
            average[:split], average[split:], latents, training=False
        )
        return pictures

    def _step(self, state: TrainState, batch: Batch) -> tuple[TrainState, Tensor]:
        photos = augmentation.to_network_range(batch.images)
        if self.options.flip:
            photos = augmentation.flip(photos, batch.flips)
        generator, discriminator, metrics = self._gan_step.step(
            state, (photos, batch.latents, batch.draws)
        )
        changed = TrainState(
            step=state.step + 1,
            generator=generator,
            discriminator=discriminator,
            average=self._averaged(state, generator),
        )
        return changed, metrics

    def _averaged(self, state: TrainState, generator: NetworkState) -> list[Tensor]:
        """Move the average towards the new generator.

        The decay starts low, so that the average forgets the first, shapeless
        generators: a tenth of the steps done is its memory until
        ``average_decay`` bounds it.
        """
        step = ops.cast(state.step, "float32")
        decay = ops.minimum(self.options.average_decay, (1.0 + step) / (10.0 + step))
        if self.options.average_decay == 0.0:
            decay = ops.zeros(())
        values = [*generator.weights, *generator.statistics]
        return [
            new + decay * (old - new)
            for old, new in zip(state.average, values, strict=True)
        ]


def _require_equal_parts(batch_size: int, num_devices: int) -> None:
    if batch_size % num_devices:
        raise TrainingError(
            f"train.batch_size is {batch_size}, which {num_devices} devices cannot "
            f"share equally; make it a multiple of {num_devices}, or set "
            "train.distribute to none"
        )


def _require_norm(discriminator: keras.Model, norm: str) -> None:
    has_batch_norms = bool(discriminator.non_trainable_variables)
    if has_batch_norms != (norm == "batch"):
        raise ModelError(
            f"the discriminator to start from has {'' if has_batch_norms else 'no '}"
            f"batch norms, but train.discriminator_norm is {norm}; change it, or start "
            "from others"
        )


def _require_finite(metrics: np.ndarray, names: Sequence[str], first: int) -> None:
    rows, columns = np.nonzero(~np.isfinite(metrics))
    if len(rows):
        name, value = names[columns[0]], metrics[rows[0], columns[0]]
        raise NonFiniteError(
            f"{name} is {value} at step {first + int(rows[0]) + 1}; training stops, "
            "its last checkpoint stays; lower train.learning_rate"
        )
