"""The search for the latent whose picture fits what is known of a face.

Yeh, Chen et al. 2017 as in bamos/dcgan-completion.tensorflow ``complete.py``:
projected Adam on z in [-1, 1], minimising for each photo

    L_i = contextual_i + lam * perceptual_i

with both networks in inference mode, so that no photo sees another. Photos are
searched ``batch_size`` at a time; a batch that is not full is filled up, because
the arithmetic of a convolution may round differently in a batch of another size,
and a photo must complete to the same bytes alone and among many.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from facefill import backend, losses, randomness
from facefill.adam import AdamRule, Moments
from facefill.errors import ModelError
from facefill.images import to_float, to_uint8
from facefill.losses import Tensor
from facefill.masks import lowres_factor
from facefill.networks import rebuild
from facefill.parameters import CompleteOptions
from facefill.progress import Advance

Watch = Callable[[int, np.ndarray], None]
"""Told the iterations done and G(z) of the batch, uint8 (N, S, S, 3)."""


@dataclass(frozen=True)
class Target:
    """What is known of one face.

    Attributes:
        key: The photo's id, from which its first latent is drawn.
        face: Aligned face, uint8 (S, S, 3); what is under the hole is not read.
        mask: Known pixels, bool (S, S), True = known.
        low_resolution: Whether the means of blocks of pixels are known besides
            (the mask ``lowres``).
    """

    key: str
    face: np.ndarray
    mask: np.ndarray
    low_resolution: bool = False


@dataclass(frozen=True)
class Found:
    """Result of the search for one face.

    Attributes:
        latent: z after the last iteration, float32 (latent_size,).
        generated: G(z), uint8 (S, S, 3).
        contextual: Contextual loss before each iteration, float32 (iterations,).
        perceptual: Perceptual loss before each iteration, the same.
    """

    latent: np.ndarray
    generated: np.ndarray
    contextual: np.ndarray
    perceptual: np.ndarray


class _State(NamedTuple):
    latents: Tensor
    moments: Moments


class _Knowledge(NamedTuple):
    """Known parts of a batch: float32, in the networks' range."""

    faces: Tensor
    known: Tensor
    coarse: Tensor


class Search:
    """Projected Adam in the latent space of one generator."""

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        options: CompleteOptions,
        lam: float,
        seed: int,
    ) -> None:
        """Take the models, which must be of one image size.

        Raises:
            ModelError: If the two models are of different sizes.
        """
        if generator.output_shape != discriminator.input_shape:
            raise ModelError(
                f"the generator makes pictures of {generator.output_shape[1]} pixels, "
                f"the discriminator judges {discriminator.input_shape[1]}; train both "
                "with one image_size"
            )
        self.image_size = int(generator.output_shape[1])
        self.options = options
        self._lam = lam
        self._seed = seed
        precision = backend.resolve_precision(options.precision, options.device)
        with backend.on_device(options.device):
            self._generator = rebuild(generator, precision)
            self._discriminator = rebuild(discriminator, precision)
            self._painter = generator
        self._rule = AdamRule(
            options.learning_rate, options.beta_1, options.beta_2, options.epsilon
        )
        self._advance = backend.compiled(self._advance_in_graph, options.device)

    def run(
        self, targets: Sequence[Target], watch: Watch | None = None
    ) -> Iterator[Found]:
        """Search for every face.

        Args:
            targets: The faces; any number.
            watch: Told the state before the search, after every call of the graph
                and at its end, for each batch of ``batch_size`` faces in turn.

        Yields:
            A result for each target, in order.

        Raises:
            ModelError: If a face is not of the models' size.
        """
        size = self.options.batch_size
        for begin in range(0, len(targets), size):
            with backend.on_device(self.options.device):
                yield from self._search_batch(targets[begin : begin + size], watch)

    def loss(self, found: Found) -> float:
        """L_i = contextual_i + lam * perceptual_i, before the last iteration."""
        return float(found.contextual[-1] + self._lam * found.perceptual[-1])

    def _search_batch(
        self, targets: Sequence[Target], watch: Watch | None
    ) -> list[Found]:
        knowledge = self._knowledge(self._filled_up(targets))
        state = self._initial_state(self._filled_up(targets))
        records = []
        done = 0
        if watch:
            watch(done, self._paint(state.latents)[: len(targets)])
        while done < self.options.iterations:
            count = min(
                self.options.iterations_per_call, self.options.iterations - done
            )
            iterations = np.arange(done, done + count, dtype=np.int32)
            state, record = self._advance(self._weights(), state, knowledge, iterations)
            records.append(np.asarray(ops.convert_to_numpy(record)))
            done += count
            if watch:
                watch(done, self._paint(state.latents)[: len(targets)])
        history = np.concatenate(records).reshape(done, 2, -1)
        generated = self._paint(state.latents)
        latents = np.asarray(ops.convert_to_numpy(state.latents))
        return [
            Found(latents[row], generated[row], history[:, 0, row], history[:, 1, row])
            for row in range(len(targets))
        ]

    def _filled_up(self, targets: Sequence[Target]) -> list[Target]:
        missing = self.options.batch_size - len(targets)
        return [*targets, *[targets[0]] * missing]

    def _knowledge(self, targets: Sequence[Target]) -> _Knowledge:
        for target in targets:
            if target.face.shape[:2] != (self.image_size, self.image_size):
                raise ModelError(
                    f"the models complete faces of {self.image_size} pixels, "
                    f"{target.key} has {target.face.shape[0]}; set image_size to "
                    f"{self.image_size}, or train with the new one"
                )
        known = np.stack([target.mask for target in targets])[..., None]
        faces = to_float(np.stack([target.face for target in targets]))
        coarse = np.array([target.low_resolution for target in targets])
        # What is under a hole is cleared, so that it cannot matter.
        used = known | coarse[:, None, None, None]
        return backend.to_device(  # type: ignore[no-any-return]
            _Knowledge(
                faces=np.where(used, faces, 0.0).astype(np.float32),
                known=known.astype(np.float32),
                coarse=coarse.astype(np.float32),
            )
        )

    def _initial_state(self, targets: Sequence[Target]) -> _State:
        latent_size = self._generator.input_shape[1]
        latents = [
            first_latent(self._seed, target.key, latent_size) for target in targets
        ]
        start = ops.convert_to_tensor(np.stack(latents))
        return _State(start, (ops.zeros_like(start), ops.zeros_like(start)))

    def _weights(self) -> list[list[Tensor]]:
        return [
            [ops.convert_to_tensor(value) for value in values]
            for network in (self._generator, self._discriminator)
            for values in (network.trainable_variables, network.non_trainable_variables)
        ]

    def _paint(self, latents: Tensor) -> np.ndarray:
        """Draw G(z) in float32, whatever the search computes in."""
        pictures = self._painter(latents, training=False)
        return to_uint8(np.asarray(ops.convert_to_numpy(pictures)))

    def _advance_in_graph(
        self,
        weights: list[list[Tensor]],
        state: _State,
        knowledge: _Knowledge,
        iterations: Tensor,
    ) -> tuple[_State, Tensor]:
        def step(state: _State, iteration: Tensor) -> tuple[_State, Tensor]:
            (gradient,), parts = self._differentiate(weights, state.latents, knowledge)
            latents, moments = self._rule.update(
                state.latents, gradient[0], state.moments, iteration
            )
            return _State(ops.clip(latents, -1.0, 1.0), moments), parts

        num_records = 2 * self.options.batch_size
        return backend.repeat(step, state, iterations, num_records)

    def _differentiate(
        self, weights: list[list[Tensor]], latents: Tensor, knowledge: _Knowledge
    ) -> tuple[list[list[Tensor]], Tensor]:
        """Differentiate the sum of all L_i by z, which is each L_i by its z_i."""

        def forward(arguments: list[Tensor]) -> Any:
            pictures, _ = self._generator.stateless_call(
                weights[0], weights[1], arguments[0], training=False
            )
            logits, _ = self._discriminator.stateless_call(
                weights[2], weights[3], pictures, training=False
            )
            contextual = self._contextual(pictures, knowledge)
            perceptual = losses.perceptual_loss(logits)
            loss = ops.sum(contextual + self._lam * perceptual)
            return (loss,), ops.concatenate([contextual, perceptual])

        return backend.gradients(forward, ([latents],))

    def _contextual(self, pictures: Tensor, knowledge: _Knowledge) -> Tensor:
        fine = losses.contextual_loss(pictures, knowledge.faces, knowledge.known)
        coarse = losses.coarse_contextual_loss(
            pictures, knowledge.faces, lowres_factor(self.image_size)
        )
        return fine + knowledge.coarse * coarse


def counting(advance: Advance, watch: Watch | None = None) -> Watch:
    """Count iterations, photo by photo, while a search runs.

    Args:
        advance: Told the iterations done since the last call, of all photos of the
            batch together.
        watch: Told what the search tells.
    """
    before = 0

    def count(done: int, generated: np.ndarray) -> None:
        nonlocal before
        if done:
            advance((done - before) * len(generated))
        before = done
        if watch:
            watch(done, generated)

    return count


def first_latent(seed: int, key: str, latent_size: int) -> np.ndarray:
    """Draw the latent at which a photo's search begins; float32 (latent_size,)."""
    draw = randomness.generator(seed, randomness.Purpose.SEARCH, randomness.key(key))
    return np.asarray(randomness.uniform_latents(draw, 1, latent_size)[0])


def complete_face(
    face: np.ndarray, generated: np.ndarray, mask: np.ndarray
) -> np.ndarray:
    """Fill the hole with generated pixels and keep the known ones, byte for byte.

    Args:
        face: uint8 (S, S, 3).
        generated: uint8 (S, S, 3).
        mask: bool (S, S), True = known.
    """
    return np.asarray(np.where(mask[..., None], face, generated))
