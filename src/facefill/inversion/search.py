"""The search for the latent whose picture fits what is known of a face.

Yeh, Chen et al. 2017 as in bamos/dcgan-completion.tensorflow ``complete.py``, and
from there on: first latents chosen from a bank of generated faces, several of them
for each photo, of which the worse are given up early, and a learning rate that
falls to nothing.

Both networks are in inference mode and every number that is drawn is a function of
the seed, the photo's id and the start, so that no photo sees another.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import pairwise

import keras
import numpy as np

from facefill.backend import devices
from facefill.errors import ModelError
from facefill.imaging.pictures import to_uint8
from facefill.inversion.candidates import Candidate, Slots
from facefill.inversion.descent import Descent
from facefill.inversion.encoder import encoder_of
from facefill.inversion.hmc.energy import Energy
from facefill.inversion.hmc.reference import ReferenceHmc
from facefill.inversion.hmc.sampler import Sampler
from facefill.inversion.hmc.summary import Diagnosis
from facefill.inversion.latent_bank import LatentBank
from facefill.inversion.latents import first_latent, to_latents
from facefill.inversion.measurement import Measurement, check_measurement
from facefill.inversion.objective import Objective
from facefill.inversion.pca_fit import expectation_of
from facefill.models.face_pca import FacePca
from facefill.models.files import ModelPair
from facefill.parameters import CompleteOptions
from facefill.runtime.batching import groups
from facefill.runtime.progress import Advance

Watch = Callable[[int, np.ndarray], None]
"""Told the iterations done and G(z) of each photo so far, uint8 (N, S, S, 3)."""


class LatentSearch:
    """The search in the latent space of one generator."""

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        options: CompleteOptions,
        lam: float,
        seed: int,
        statistics: FacePca | None = None,
    ) -> None:
        """Take the models, which must be of one image size.

        Args:
            generator: G.
            discriminator: D.
            options: Of the search.
            lam: Weight of the perceptual loss.
            seed: Of all that is drawn.
            statistics: Of faces, to fit what is found to the known pixels; without
                them that is left out.

        Raises:
            ModelError: If the two models are of different sizes.
        """
        if generator.output_shape != discriminator.input_shape:
            raise ModelError(
                f"the generator makes pictures of {generator.output_shape[1]} pixels, "
                f"the discriminator judges {discriminator.input_shape[1]}; train both "
                "with one image_size"
            )
        self.networks = ModelPair(generator, discriminator)
        self.image_size = int(generator.output_shape[1])
        self.options = options
        self.lam = lam
        self.seed = seed
        self._painter = generator
        self._bank: LatentBank | None = None
        self._encoder = encoder_of(generator) if options.begins_encoded else None
        self._expectation = expectation_of(options, statistics, self.image_size)
        with devices.on_device(options.device):
            self._objective = Objective(generator, discriminator, options, lam)
            self._sampler: Sampler | None = None
            if options.samples_posterior:
                energy = Energy(generator, discriminator, options)
                self._sampler = Sampler(
                    energy, self._objective, options, seed, self._fitted
                )
                self._descent = self._sampler.descent
            elif options.method == "hmc":
                self._descent = ReferenceHmc(self._objective, options, seed)
            else:
                self._descent = Descent(self._objective, options, seed)

    @property
    def bank(self) -> LatentBank:
        """Generated faces to begin at, drawn when first asked for."""
        if self._bank is None:
            with devices.on_device(self.options.device):
                self._bank = LatentBank(
                    self._painter, self.options.bank_size, self.seed
                )
        return self._bank

    @property
    def statistics(self) -> FacePca | None:
        """Those of faces that it fits with, if it does."""
        return self._expectation.statistics if self._expectation else None

    @property
    def fingerprint(self) -> str:
        """Hash what beside the options decides how a face comes out."""
        faces = self.statistics.fingerprint if self.statistics else ""
        encoder = self._encoder.fingerprint if self._encoder else ""
        return f"{self._objective.fingerprint()} {self.seed} {faces} {encoder}"

    @property
    def iterations_per_photo(self) -> int:
        """Iterations of all searches of a photo together."""
        starts, kept = self.options.num_starts, self.options.num_kept
        searched = sum(
            (end - begin) * (starts if end <= self._prune_at else kept)
            for begin, end in self._pieces()
        )
        hmc = self.options.hmc
        transitions = kept * (hmc.warm_up + hmc.draws) if self._sampler else 0
        return searched + transitions * hmc.leapfrogs

    def run(
        self,
        targets: Iterable[Measurement],
        watch: Watch | None = None,
        advance: Advance | None = None,
    ) -> Iterator[tuple[Candidate, ...]]:
        """Search for every face.

        Args:
            targets: The faces; any number, taken ``batch_size`` at a time.
            watch: Told the state before the search, after every call of the graph
                and at its end, for each ``batch_size`` faces in turn.
            advance: Told the iterations done since the last call, of all searches.

        Yields:
            ``options.candidates`` results for each target, best first.

        Raises:
            ModelError: If a face is not of the models' size.
            MaskError: If a mask is not, or if nothing is known of a face.
        """
        for chunk in groups(targets, self.options.batch_size):
            for target in chunk:
                check_measurement(target, self.image_size)
            exact = devices.exact_float32() if self._sampler else nullcontext()
            with devices.on_device(self.options.device), exact:
                found = self._search(chunk, watch, advance)
            yield from found

    def _search(
        self,
        targets: Sequence[Measurement],
        watch: Watch | None,
        advance: Advance | None,
    ) -> list[tuple[Candidate, ...]]:
        slots = self._begin(targets)
        if watch:
            watch(0, self._show(slots))
        for begin, end in self._pieces():
            chosen = [targets[photo] for photo in slots.photos]
            state, history = self._descent.advance(
                slots.state, chosen, slots.starts.tolist(), range(begin, end)
            )
            history = np.concatenate([slots.history, history], axis=2)
            slots = slots._replace(state=state, history=history)
            if advance:
                advance((end - begin) * len(slots.photos))
            if end == self._prune_at:
                slots = self._pruned(slots)
            if watch and end < self.options.iterations:
                watch(end, self._show(slots))
        if self._sampler:
            found = self._sampler.sample(slots, targets, advance)
        else:
            found = self._candidates(slots, targets)
        if watch:
            best = np.stack([candidates[0].generated for candidates in found])
            watch(self.options.iterations, best)
        return found

    @property
    def _prune_at(self) -> int:
        return min(self.options.prune_after, self.options.iterations)

    def _pieces(self) -> list[tuple[int, int]]:
        """Cut the iterations into calls of the graph."""
        options = self.options
        edges = {*range(0, options.iterations, options.iterations_per_call)}
        edges.add(options.iterations)
        if options.num_starts > options.num_kept:
            edges.add(self._prune_at)
        return list(pairwise(sorted(edges)))

    def _begin(self, targets: Sequence[Measurement]) -> Slots:
        count = self.options.num_starts
        latents = np.concatenate([self._first(target, count) for target in targets])
        return Slots(
            photos=np.repeat(np.arange(len(targets)), count),
            starts=np.tile(np.arange(count), len(targets)),
            state=self._descent.start(latents),
            history=np.zeros((len(latents), 2, 0), np.float32),
        )

    def _first(self, target: Measurement, count: int) -> np.ndarray:
        if self._encoder:
            encoded = self._encoder.latent(target)[None]
            return np.concatenate([encoded, self._first_of_all(target, count - 1)])
        return self._first_of_all(target, count)

    def _first_of_all(self, target: Measurement, count: int) -> np.ndarray:
        size = self._objective.latent_size
        if count == 0:
            return np.empty((0, size), np.float32)
        if self.options.bank_size:
            return self.bank.nearest(target, count)
        return np.stack(
            [first_latent(self.seed, target.key, size, start) for start in range(count)]
        )

    def _pruned(self, slots: Slots) -> Slots:
        """Keep the searches of each photo that have met the lowest losses."""
        if self.options.num_starts == self.options.num_kept:
            return slots
        # Stable: of equals the one that began better.
        order = np.lexsort([slots.state.best_loss, slots.photos])
        ranks = np.arange(len(order)) % self.options.num_starts
        return slots.at(order[ranks < self.options.num_kept])

    def _show(self, slots: Slots) -> np.ndarray:
        """Draw where the best search of each photo is; uint8 (photos, S, S, 3)."""
        order = np.lexsort([slots.state.best_loss, slots.photos])
        _, first = np.unique(slots.photos[order], return_index=True)
        variables = slots.state.variables[order[first]]
        return self._paint(to_latents(variables, self._descent.projection))

    def _paint(self, latents: np.ndarray) -> np.ndarray:
        """Draw G(z) in float32, whatever the search computes in."""
        size = self.options.batch_size
        pictures = []
        for group in groups(np.asarray(latents), size):
            full = np.stack([*group, *[group[0]] * (size - len(group))])
            drawn = keras.ops.convert_to_numpy(self._painter(full, training=False))
            pictures.append(to_uint8(np.asarray(drawn)[: len(group)]))
        return np.concatenate(pictures)

    def _candidates(
        self, slots: Slots, targets: Sequence[Measurement]
    ) -> list[tuple[Candidate, ...]]:
        chosen = [targets[photo] for photo in slots.photos]
        latents, parts = self._descent.settle(slots.state, chosen)
        losses = np.asarray(self._objective.total(parts.T))
        pictures = self._paint(latents)
        shares = self._descent.acceptance(slots.state)
        found: list[list[Candidate]] = [[] for _ in targets]
        for row in np.lexsort([losses, slots.photos]):
            found[slots.photos[row]].append(
                Candidate(
                    start=int(slots.starts[row]),
                    latent=latents[row],
                    generated=pictures[row],
                    fitted=self._fitted(pictures[row], targets[slots.photos[row]]),
                    contextual=float(parts[row, 0]),
                    perceptual=float(parts[row, 1]),
                    loss=float(losses[row]),
                    history=slots.history[row],
                    diagnosis=None if shares is None else Diagnosis(float(shares[row])),
                )
            )
        return [tuple(candidates) for candidates in found]

    def _fitted(self, generated: np.ndarray, target: Measurement) -> np.ndarray:
        if self._expectation is None:
            return generated
        return self._expectation.fit(generated, target, self.options.detail)
