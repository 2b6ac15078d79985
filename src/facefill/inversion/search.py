"""Search for the latent whose picture fits what is known of a face (GAN inversion).

Yeh, Chen et al. 2017 as in bamos/dcgan-completion.tensorflow ``complete.py``, and
from there on: starts from an encoder or a bank of generated faces, several of them
for each photo, of which the worse are given up early, and a learning rate that
falls to nothing.

Both networks are in inference mode and every random number is a function of the
seed, the photo's id and the start, so that no photo sees another.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any, Self

import keras
import numpy as np

from facefill.backend import devices
from facefill.errors import ModelError
from facefill.imaging.degradations import Inpainting
from facefill.inversion.candidates import Candidate
from facefill.inversion.measurement import Measurement, check_measurement
from facefill.inversion.multi_start import Watch
from facefill.inversion.pca_fit import gaussian_fit_of
from facefill.inversion.solvers import solver_of
from facefill.inversion.starts import Starts
from facefill.models import pretrained
from facefill.models.companions import Companions
from facefill.models.files import ModelPair
from facefill.models.refinement import Refiner
from facefill.models.refiners import refiner_for
from facefill.parameters import CompleteOptions
from facefill.runtime.batching import groups
from facefill.runtime.progress import Advance

# Options that change the speed or the animation, and no photo's outcome but by its
# rounding: a device may compute in bfloat16 (`precision: auto`). What is done stays.
_INDECISIVE = {"cluster", "device", "batch_size", "frames_per_second"}


class LatentSearch:
    """Completes faces by one generator: starts, a solver, and a fit.

    Attributes:
        networks: G and D.
        image_size: Side of a face in pixels.
        options: Options of the search, its iterations decided.
        lam: Weight of the perceptual loss.
        seed: Seed of everything random.
        starts: Chooses where the searches for a face begin.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        options: CompleteOptions,
        lam: float,
        seed: int,
        companions: Companions | None = None,
    ) -> None:
        """Build the solver for two models of one image size.

        Args:
            generator: G.
            discriminator: D.
            options: Options of the search.
            lam: Weight of the perceptual loss.
            seed: Seed of everything random.
            companions: What is learnt beside them: statistics, an encoder and a
                refiner; None is none of them.

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
        self.lam = lam
        self.seed = seed
        self._companions = companions or Companions()
        self.starts = Starts(generator, options, seed, self._companions.encoder)
        self.options = options.with_iterations(is_encoded=self.starts.are_encoded)
        statistics = (
            pretrained.load_statistics()
            if options.fit_statistics == "pretrained"
            else self._companions.statistics
        )
        self._fit = gaussian_fit_of(options, statistics, self.image_size)
        with devices.on_device(options.device):
            self._solver = solver_of(self.networks, self.options, lam, seed)

    @property
    def companions(self) -> Companions:
        """What results depend on beside the networks, of what was given."""
        _, encoder, refiner = self._companions
        if encoder and encoder.fingerprint != self.starts.fingerprint:
            encoder = None
        statistics = self._fit.statistics if self._fit else None
        return Companions(statistics, encoder, refiner)

    @cached_property
    def refiner(self) -> Refiner | None:
        """Refiner of the faces once they are in their photos, if there is to be one.

        Raises:
            ModelError: If the file of the shipped one is not that which was shipped.
        """
        generator, trained = self.networks.generator, self._companions.refiner
        return refiner_for(self.options, generator, trained)

    def unrefined(self) -> Self:
        """The same search, compiled but once, of faces that are not refined."""
        other = copy(self)
        other.options = self.options.model_copy(update={"refine": "none"})
        other.__dict__.pop("refiner", None)  # what is kept is of the old options
        return other

    @property
    def fingerprint(self) -> str:
        """Hashes of everything beside the options that decides a face's outcome."""
        digest = hashlib.sha256(repr(self.lam).encode())
        for network in self.networks:
            for array in network.get_weights():
                digest.update(np.ascontiguousarray(array).tobytes())
        faces = self._fit.statistics.fingerprint if self._fit else ""
        return f"{digest.hexdigest()} {self.seed} {faces} {self.starts.fingerprint}"

    @property
    def settings_sha256(self) -> str:
        """Hash of everything that decides the outcome of any given face.

        A finished photo is stale if it is another one, or if its own files are.
        """
        excluded: dict[str, Any] = dict.fromkeys(_INDECISIVE, True)
        if not self.options.samples_posterior:
            excluded["hmc"] = {"hidden_growth"}
        options = self.options.model_dump(exclude=excluded)
        parts = json.dumps([options, self.fingerprint], sort_keys=True)
        return hashlib.sha256(parts.encode()).hexdigest()

    @property
    def iterations_per_photo(self) -> int:
        """Iterations, and leapfrogs of chains, that a photo takes in all."""
        return self._solver.iterations_per_photo

    def run(
        self,
        measurements: Iterable[Measurement],
        watch: Watch | None = None,
        advance: Advance | None = None,
    ) -> Iterator[tuple[Candidate, ...]]:
        """Search for every face.

        Args:
            measurements: The faces; any number, taken ``batch_size`` at a time.
            watch: Told the state before the search, after every call of the graph
                and at its end, for each ``batch_size`` faces in turn.
            advance: Told the iterations done since the last call, of all searches.

        Yields:
            ``options.candidates`` results for each face, best first.

        Raises:
            ModelError: If a face is not of the models' size.
            MaskError: If a mask is not, or if nothing is known of a face.
        """
        for chunk in groups(measurements, self.options.batch_size):
            for measurement in chunk:
                check_measurement(measurement, self.image_size)
            with devices.on_device(self.options.device), self._solver.arithmetic():
                latents = np.stack([self.starts.latents(item) for item in chunk])
                results = self._solver.solve(chunk, latents, watch, advance)
            if watch:
                best = np.stack([candidates[0].generated for candidates in results])
                watch(self.options.num_iterations, best)
            for candidates, measurement in zip(results, chunk, strict=True):
                yield tuple(self._fitted(item, measurement) for item in candidates)

    def _fitted(self, candidate: Candidate, measurement: Measurement) -> Candidate:
        if self._fit is None:
            return candidate
        is_refined = isinstance(measurement.degradation, Inpainting) and self.refiner
        options = self.options
        detail = options.share_to_refine if is_refined else options.fidelity
        fitted = self._fit.fit(candidate.generated, measurement, detail)
        return replace(candidate, fitted=fitted)
