"""Every way to fill a hole that an evaluation compares, under one interface."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from facefill.evaluation import baselines
from facefill.imaging.degradations import Decolorization, Denoising, Downsampling
from facefill.imaging.masks import lowres_factor
from facefill.inversion.candidates import Candidate
from facefill.inversion.measurement import Measurement
from facefill.inversion.pca_fit import GaussianFit
from facefill.models.face_pca import measure
from facefill.parameters import MethodName
from facefill.parameters.defaults import FIT_NOISE
from facefill.preparation.sharded_array import ImageArray

Filled: TypeAlias = dict[str, np.ndarray]
"""Completed faces by method, uint8 (S, S, 3) each."""

NUM_COMPONENTS = 512
PCA_NOISE = FIT_NOISE
"""Grey levels; measured on held-out faces for 2,000 training faces."""


class Baselines:
    """The methods that no generator is needed for."""

    def __init__(
        self,
        train: ImageArray,
        methods: Sequence[MethodName],
        draw: np.random.Generator,
    ) -> None:
        """Learn what they need of the training faces.

        Args:
            train: uint8 (N, S, S, 3), memory-mapped or not.
            methods: Which of them are wanted.
            draw: Chooses those of them that ``pca`` learns from.
        """
        self._train = train
        self._methods = methods
        self._mean = baselines.mean_face(train)
        self._expectation: GaussianFit | None = None
        if "pca" in methods and len(train) > 1:
            statistics = measure(train, NUM_COMPONENTS, draw)
            self._expectation = GaussianFit(statistics, PCA_NOISE)

    def fill(self, target: Measurement) -> Filled:
        """Fill one face by every method that can."""
        face, mask, seen = target.face, target.mask, target.observation
        filled: Filled = {}
        if "mean_face" in self._methods and not isinstance(seen, Denoising):
            filled["mean_face"] = seen.complete(face, self._mean, mask)
        match seen:
            case Downsampling():
                filled["bicubic"] = baselines.bicubic(face, lowres_factor(len(face)))
            case Decolorization():
                filled["grey"] = seen.show(face, mask)
            case Denoising():
                filled["non_local_means"] = baselines.non_local_means(face, seen.noise)
            case _:
                filled |= self._continued(target)
        if self._expectation:
            expected = self._expectation.fit(self._mean, target, detail=0.0)
            filled["pca"] = seen.blend(face, expected, mask)
        return filled

    def _continued(self, target: Measurement) -> Filled:
        face, mask = target.face, target.mask
        made: dict[str, Callable[[], np.ndarray]] = {
            "nearest_face": lambda: baselines.nearest_face(face, mask, self._train),
            "telea": lambda: baselines.telea(face, mask),
            "navier_stokes": lambda: baselines.navier_stokes(face, mask),
            "biharmonic": lambda: baselines.biharmonic(face, mask),
        }
        return {name: make() for name, make in made.items() if name in self._methods}


def completed_by(name: str, target: Measurement, best: Candidate) -> Filled:
    """Give what a search makes of a face, before and after blending.

    Args:
        name: ``default`` or ``reference``.
        target: The face.
        best: What was found for it.
    """
    prefix = "" if name == "default" else f"{name}_"
    face, mask, seen = target.face, target.mask, target.observation
    filled = {f"{prefix}completed": seen.complete(face, best.fitted, mask)}
    # Without a known pixel there is nothing to blend with.
    if mask.any():
        filled[f"{prefix}blended"] = seen.blend(face, best.fitted, mask)
    return filled


def generated_only(searches: Mapping[str, Candidate]) -> Filled:
    """Give the generated faces alone, known pixels and all."""
    return {
        f"{'' if name == 'default' else f'{name}_'}generated": best.generated
        for name, best in searches.items()
    }
