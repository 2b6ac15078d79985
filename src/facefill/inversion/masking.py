"""Tasks of photos that have no mask file: shapes and noise keyed by the photo's id."""

import numpy as np

from facefill.imaging.tasks import Task, task_of
from facefill.inversion.measurement import Measurement
from facefill.parameters import CompleteOptions, MaskName
from facefill.runtime.rng import Purpose, keyed_rng, photo_key


class MaskMaker:
    """Makes the task of any photo by the parameter ``mask``.

    Attributes:
        name: Value of the parameter.
    """

    def __init__(self, name: MaskName, options: CompleteOptions, seed: int) -> None:
        """Take the parameters.

        Args:
            name: Value of the parameter ``mask``.
            options: Sizes of shapes, and the noise of ``denoise``.
            seed: Seed of random shapes and noise.
        """
        self.name = name
        self._options = options
        self._seed = seed

    def task(self, photo_id: str, size: int) -> Task:
        """Mask, bool (size, size), and degradation of a photo.

        Random masks differ between photos, not between runs.
        """
        rng = keyed_rng(self._seed, Purpose.MASK, photo_key(photo_id))
        return task_of(self.name, size, self._options, int(rng.integers(2**31)))

    def degraded(self, photo_id: str, face: np.ndarray) -> Measurement:
        """Measurement of a whole face, uint8 (S, S, 3), degraded by the task.

        Noise differs between photos, not between runs.
        """
        rng = keyed_rng(self._seed, Purpose.MASK, photo_key(photo_id), 1)
        mask, degradation = self.task(photo_id, len(face))
        return Measurement(photo_id, degradation.degrade(face, rng), mask, degradation)
