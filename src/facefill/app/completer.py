"""Completion for a page: models loaded once, in the background, and then kept.

Synopsis::

    completer = Completer("pretrained")
    completer.warm_up()  # returns at once
    done = completer.complete(photo, mask, Choices(), tell)
"""

import logging
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from facefill.completion.given import read_given, read_pixels
from facefill.errors import FacefillError
from facefill.imaging.photos import Pixels
from facefill.parameters import AlignOptions
from facefill.parameters.defaults import FIDELITY
from facefill.preparation.extraction import Extraction, extract, load_models

if TYPE_CHECKING:
    from facefill.api import FaceModel
    from facefill.completion.result import Completion
    from facefill.parameters import CompleteOptions

log = logging.getLogger(__name__)

Tell = Callable[[float, str], None]
"""Told the share of the work that is done, from 0 to 1, and what is being done."""

# Of the search, between two reports on it; no result depends on it.
_ITERATIONS_PER_CALL = 1

# Of the whole: where the search begins and ends. Photos are read and faces found
# before, and the face is put back, and the rest inpainted, after.
_SEARCH_FROM, _SEARCH_TO = 0.25, 0.75
_SEARCHING = "Searching for the face"


# Of a face that is only to be shown where it is, in pixels.
_IMAGE_SIZE = 64


class Choices(NamedTuple):
    """What the user chooses.

    Attributes:
        lam: Weight of the perceptual loss, at least 0.
        fidelity: From the likely mean, 0, to a picture as sharp as the photo, 1.
        candidates: Completions of the photo.
    """

    lam: float = 0.1
    fidelity: float = FIDELITY
    candidates: int = 1


class Result(NamedTuple):
    """A completion, and how its photo looks.

    Attributes:
        photo: As it came, uint8 RGB (height, width, 3).
        found: Its faces, with the hole known.
        completion: The photo made whole.
    """

    photo: Pixels
    found: Extraction
    completion: "Completion"


class Completer:
    """Completes one photo at a time."""

    def __init__(self, model: str) -> None:
        """Name the model, as ``facefill.load_model`` takes it; nothing is loaded."""
        self._source = model
        self._model: FaceModel | None = None
        self._faces, self._networks = threading.Lock(), threading.Lock()

    def warm_up(self) -> None:
        """Load everything in the background, and compile the search.

        Whoever comes before it is done waits for what is missing.
        """
        threading.Thread(target=self._warm_up, daemon=True).start()

    def find_faces(self, photo: Path) -> tuple[Pixels, Extraction]:
        """Read a photo, and find its largest face.

        Returns:
            uint8 RGB (height, width, 3), and the face.

        Raises:
            PhotoError: If it cannot be read.
        """
        pixels, _ = read_pixels(photo)
        with self._faces:
            return pixels, extract(pixels, AlignOptions(), _IMAGE_SIZE)

    def complete(self, photo: Path, mask: Path, chosen: Choices, tell: Tell) -> Result:
        """Complete a photo, as ``facefill.complete`` does.

        Args:
            photo: Its file.
            mask: Mask file, white = hole.
            chosen: What the user chooses.
            tell: Told how far the work is.

        Raises:
            FacefillError: If it cannot be completed.
        """
        tell(0.0, "Loading the model")
        with self._networks:
            model = self._load()
            options = _options(model, chosen)
            tell(0.05, "Reading the photo")
            given = read_given(photo, mask, options, None)
            tell(0.1, "Looking for the face")
            with self._faces:
                found = extract(
                    given.pixels, AlignOptions(), model.image_size, given.hole
                )

            tell(_SEARCH_FROM, _SEARCHING)
            from facefill import api

            done = api.complete_given(
                given,
                found,
                chosen.lam,
                model=model,
                seed=1,
                options=options,
                tell=partial(_tell_search, tell),
            )
        return Result(given.pixels, found, done)

    def _load(self) -> "FaceModel":
        """Load the model, or give the one that is loaded; the lock is held."""
        from facefill import api

        if self._model is None:
            self._model = api.load_model(self._source)
        return self._model

    def _warm_up(self) -> None:
        try:
            with self._faces:
                load_models(AlignOptions())
            with self._networks:
                self._complete_nobody()
        except FacefillError as error:  # whoever completes a photo is told, too
            log.warning("%s", error)

    def _complete_nobody(self) -> None:
        """Complete a face that does not exist, which compiles what others need."""
        import numpy as np

        from facefill import api
        from facefill.completion.given import GivenPhoto

        model = self._load()
        side = model.image_size
        photo = np.kron(api.sample(1, model=model)[0], np.ones((4, 4, 1), np.uint8))
        hole = np.zeros(photo.shape[:2], np.bool_)
        hole[side : 2 * side, side : 2 * side] = True
        with self._faces:
            extract(photo, AlignOptions(), side, hole)
        square = extract(photo, AlignOptions(method="center_crop"), side, hole)
        given = GivenPhoto(photo, None, hole, None, None)
        api.complete_given(
            given,
            square,
            Choices().lam,
            model=model,
            seed=1,
            options=_options(model, Choices()),
        )


def _tell_search(tell: Tell, share: float) -> None:
    doing = "Putting the face back" if share >= 1.0 else _SEARCHING
    tell(_SEARCH_FROM + (_SEARCH_TO - _SEARCH_FROM) * share, doing)


def _options(model: "FaceModel", chosen: Choices) -> "CompleteOptions":
    return model.defaults.model_copy(
        update={
            "candidates": chosen.candidates,
            "fidelity": chosen.fidelity,
            "iterations_per_call": _ITERATIONS_PER_CALL,
        }
    )
