"""Methods that an evaluation compares, under one interface."""

from collections.abc import Callable, Mapping, Sequence
from functools import singledispatchmethod
from typing import TypeAlias

import numpy as np

from facefill.evaluation import baselines
from facefill.imaging.compositing import blend, complete
from facefill.imaging.degradations import (
    Decolorization,
    Degradation,
    Denoising,
    Downsampling,
    Inpainting,
    block_side,
)
from facefill.inversion.candidates import Candidate
from facefill.inversion.measurement import Measurement
from facefill.inversion.pca_fit import GaussianFit, noise_of
from facefill.models.face_pca import measure
from facefill.parameters import CompleteOptions, MethodName
from facefill.preparation.sharded_array import ImageArray

Filled: TypeAlias = dict[str, np.ndarray]
"""Completed faces by method, uint8 (S, S, 3) each."""

NUM_COMPONENTS = 512


class Baselines:
    """Methods that need no generator."""

    def __init__(
        self,
        train: ImageArray,
        methods: Sequence[MethodName],
        rng: np.random.Generator,
    ) -> None:
        """Learn what the methods need of the training faces.

        Args:
            train: uint8 (N, S, S, 3), memory-mapped or not.
            methods: Methods that are wanted.
            rng: Chooses the faces that ``pca`` learns from, of too many, and seeds it.
        """
        self._train = train
        self._methods = methods
        self._mean = baselines.mean_face(train)
        self._fit: GaussianFit | None = None
        if "pca" in methods and len(train) > 1:
            statistics = measure(train, NUM_COMPONENTS, rng)
            # The noise is that of the default fit with as many faces.
            noise = noise_of(CompleteOptions().fit_noise, statistics.num_faces)
            self._fit = GaussianFit(statistics, noise)

    def fill(self, measurement: Measurement) -> Filled:
        """Complete one face by every method that can."""
        degradation = measurement.degradation
        filled = self._classical(degradation, measurement)
        if self._fit:
            expected = self._fit.fit(self._mean, measurement, detail=0.0)
            filled["pca"] = blend(
                degradation, measurement.face, expected, measurement.mask
            )
        return filled

    @singledispatchmethod
    def _classical(self, degradation: Degradation, measurement: Measurement) -> Filled:
        """Faces completed by the methods for a degradation, ``pca`` left out."""
        raise NotImplementedError(type(degradation))

    @_classical.register
    def _(self, degradation: Inpainting, measurement: Measurement) -> Filled:
        face, mask = measurement.face, measurement.mask
        methods: dict[str, Callable[[], np.ndarray]] = {
            "nearest_face": lambda: baselines.nearest_face(face, mask, self._train),
            "telea": lambda: baselines.telea(face, mask),
            "navier_stokes": lambda: baselines.navier_stokes(face, mask),
            "biharmonic": lambda: baselines.biharmonic(face, mask),
        }
        return self._mean_face(measurement) | {
            name: fill() for name, fill in methods.items() if name in self._methods
        }

    @_classical.register
    def _(self, degradation: Downsampling, measurement: Measurement) -> Filled:
        face = measurement.face
        enlarged = baselines.bicubic(face, block_side(len(face)))
        return self._mean_face(measurement) | {"bicubic": enlarged}

    @_classical.register
    def _(self, degradation: Decolorization, measurement: Measurement) -> Filled:
        grey = degradation.show(measurement.face, measurement.mask)
        return self._mean_face(measurement) | {"grey": grey}

    @_classical.register
    def _(self, degradation: Denoising, measurement: Measurement) -> Filled:
        denoised = baselines.non_local_means(measurement.face, degradation.noise)
        return {"non_local_means": denoised}

    def _mean_face(self, measurement: Measurement) -> Filled:
        if "mean_face" not in self._methods:
            return {}
        face, mask = measurement.face, measurement.mask
        return {"mean_face": complete(measurement.degradation, face, self._mean, mask)}


def completed_by(name: str, measurement: Measurement, best: Candidate) -> Filled:
    """Faces completed by a search, before and after blending.

    Args:
        name: ``default`` or ``reference``.
        measurement: What is known of the face.
        best: First candidate of the search.
    """
    prefix = "" if name == "default" else f"{name}_"
    degradation, face = measurement.degradation, measurement.face
    mask, fitted = measurement.mask, best.fitted
    filled = {f"{prefix}completed": complete(degradation, face, fitted, mask)}
    # Without a known pixel there is nothing to blend with.
    if mask.any():
        filled[f"{prefix}blended"] = blend(degradation, face, fitted, mask)
    return filled


def generated_only(searches: Mapping[str, Candidate]) -> Filled:
    """Generated faces of each search alone, known pixels and all."""
    return {
        f"{'' if name == 'default' else f'{name}_'}generated": best.generated
        for name, best in searches.items()
    }
