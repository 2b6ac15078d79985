"""The front door: align, complete and sample from Python, without a Kedro project.

Synopsis::

    import facefill

    done = facefill.complete("ann.jpg", mask="hole.png", lam=0.1)
    done.save("ann-whole.png")

Photos and masks are paths, or arrays as the functions say. Everything that can go wrong
with them is an error of ``facefill.errors``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from facefill.completion.faces import (
    AlignedFace,
    FaceInPhoto,
    face_with_hole,
    face_with_task,
    require_filler,
)
from facefill.completion.given import (
    GivenHint,
    GivenPhoto,
    Hole,
    Photo,
    read_given,
    read_pixels,
)
from facefill.completion.refining import Unfinished, finished
from facefill.completion.result import Completion, completed_face
from facefill.errors import PhotoError
from facefill.imaging.photos import Pixels
from facefill.inversion.masking import MaskMaker
from facefill.models import pretrained, sources
from facefill.models.companions import Companions, read_companions
from facefill.models.encoders import ENCODER_FILE, ENCODER_FOLDER
from facefill.models.face_pca import FacePca
from facefill.models.files import read_pair, read_trained
from facefill.models.generation import generate
from facefill.models.refiners import REFINER_FILE, REFINER_FOLDER
from facefill.parameters import AlignOptions, CompleteOptions
from facefill.preparation.extraction import Extraction, Face, extract
from facefill.preparation.naming import face_id
from facefill.runtime.algebra_threads import one_algebra_thread
from facefill.runtime.progress import Advance
from facefill.runtime.rng import Purpose, keyed_rng, uniform_latents

if TYPE_CHECKING:
    import keras

    from facefill.inversion.search import LatentSearch

_MODELS_KEPT = _SEARCHES_KEPT = 2

_FILES = (
    "generator.keras",
    "discriminator.keras",
    pretrained.STATISTICS,
    f"{ENCODER_FOLDER}/{ENCODER_FILE}",
    f"{REFINER_FOLDER}/{REFINER_FILE}",
)
"""Files of a model."""


@dataclass(frozen=True, eq=False)
class FaceModel:
    """Networks that complete faces, and what is learnt beside them.

    Attributes:
        generator: From latents (N, latent_size) to pictures (N, S, S, 3) in [-1, 1].
        discriminator: From pictures to logits (N, 1).
        companions: Statistics of faces, an encoder and a refiner, as far as there are.
    """

    generator: "keras.Model"
    discriminator: "keras.Model"
    companions: Companions

    @property
    def statistics(self) -> FacePca | None:
        """Mean and principal components of faces; None does without."""
        return self.companions.statistics

    @property
    def image_size(self) -> int:
        """Side of a face in pixels."""
        return int(self.generator.output_shape[1])

    @cached_property
    def defaults(self) -> CompleteOptions:
        """Options of a search for one face.

        In a larger batch what fills it up would cost as much as faces; the result is
        the same but for rounding.
        """
        return CompleteOptions(batch_size=1)


def align(
    photo: Photo, *, size: int = 64, options: AlignOptions | None = None
) -> list[Face]:
    """Find the faces of a photo and crop them as OpenFace does.

    Args:
        photo: Path, or uint8 RGB (height, width, 3).
        size: Side of a crop in pixels.
        options: How faces are found and cropped; by default as the pipelines do,
            but all faces instead of the largest.

    Returns:
        Faces, the largest first, with ``pixels`` uint8 RGB (size, size, 3), ``matrix``
        float64 (2, 3) from photo to crop, ``box`` and ``landmarks``; none if no face is
        found, or none that can be used.

    Raises:
        PhotoError: If the photo cannot be read.
        ModelError: If the landmark model cannot be used.
    """
    options = options or AlignOptions(multiple_faces="all")
    pixels, _ = read_pixels(photo)
    extraction = extract(pixels, options, size)
    return [face for face in extraction.faces if not face.reason]


def complete(  # noqa: PLR0913  # what a completion depends on, by name
    photo: Photo,
    mask: Hole,
    lam: float = 0.1,
    *,
    model: FaceModel | str | Path = "pretrained",
    seed: int = 1,
    options: CompleteOptions | None = None,
    alignment: AlignOptions | None = None,
    hint: GivenHint | None = None,
) -> Completion:
    """Complete the missing part of a photo of a face.

    Of the hole, what lies in the crop of a face is searched for, its head is painted,
    and the rest is inpainted. Nothing depends on what is painted under the hole, and no
    pixel outside of it changes.

    Args:
        photo: Path, or uint8 RGB (height, width, 3).
        mask: What is missing: the path of a mask file (white = hole), bool (height,
            width), True = hole, a picture of it (white = hole), ``alpha`` for the
            transparent pixels of the photo's file, ``colour`` for the one colour that
            the photo is painted over with, or the name of a shape in the aligned face,
            such as ``center``.
        lam: Weight of the perceptual loss, at least 0.
        model: From ``load_model``, or what it takes.
        seed: Of all numbers that are drawn; the same seed gives the same result.
        options: How the latent is searched for; by default as the model's
            ``defaults`` say.
        alignment: How faces are found and cropped.
        hint: Where the face is, if it is not found by itself: ``{"box": [left, top,
            right, bottom]}`` or ``{"eyes": [[x, y], [x, y]]}``, or a JSON file of it.

    Returns:
        The photo in its own size with the hole filled, and the pictures, candidates and
        losses on the way to it; with ``options.candidates`` above 1 also a whole photo
        of each, in ``variants``.

    Raises:
        PhotoError: If the photo cannot be read, or has no face (``no_face``) but needs
            one: for a shape, or to leave what is beside it (``options.outside``).
        MaskError: If the mask cannot be read, is of other proportions than the photo,
            or hides nothing, or all of a face.
        ModelError: If the model cannot be used.
    """
    loaded = model if isinstance(model, FaceModel) else load_model(model)
    options = options or loaded.defaults
    given = read_given(photo, mask, options, hint)
    alignment, size = alignment or AlignOptions(), loaded.image_size
    with one_algebra_thread():
        found = extract(given.pixels, alignment, size, given.hole, given.hint)
    return complete_given(given, found, lam, model=loaded, seed=seed, options=options)


def complete_given(  # noqa: PLR0913  # what a completion depends on, by name
    given: GivenPhoto,
    found: Extraction,
    lam: float,
    *,
    model: FaceModel,
    seed: int,
    options: CompleteOptions,
    tell: Callable[[float], None] | None = None,
) -> Completion:
    """Complete a photo that is read and whose faces are found; see ``complete``.

    Args:
        given: The photo, its hole, and the hint on its face.
        found: What ``extract`` finds in it.
        lam: Weight of the perceptual loss, at least 0.
        model: Networks and statistics.
        seed: Of all numbers that are drawn.
        options: How the latent is searched for.
        tell: Told the share of the search that is done, from 0 to 1, as it rises.

    Raises:
        PhotoError: If the photo has no face but needs one.
        MaskError: If the mask hides all of a face.
    """
    faces = _faces(given, found, options, seed)
    search = _search(model, options.model_dump_json(), lam, seed)
    advance = tell and _shares(tell, len(faces) * search.iterations_per_photo)
    with one_algebra_thread():
        results = search.run((face.measurement for face in faces), None, advance)
        # Each candidate is blended once, and not anew for every photo below.
        done = [
            completed_face(face, candidates)
            for face, candidates in zip(faces, results, strict=True)
        ]
        unfinished = [
            Unfinished(
                given.pixels,
                given.hole,
                [face.by_candidate(number) for face in done],
                given.original,
            )
            for number in range(options.candidates if faces else 1)
        ]
        photos = tuple(finished(search.refiner, unfinished, options.outside))
    return replace(photos[0], variants=photos)


def _shares(tell: Callable[[float], None], total: int) -> Advance:
    """Turn iterations that are done, as a search counts them, into shares of all."""
    done = 0

    def advance(num_done: int, note: str = "") -> None:
        nonlocal done
        done += num_done
        tell(min(1.0, done / total))

    return advance


def sample(
    count: int = 64, *, model: FaceModel | str | Path = "pretrained", seed: int = 1
) -> Pixels:
    """Generate faces, those that the pipeline ``sample`` draws.

    Args:
        count: Number of faces.
        model: From ``load_model``, or what it takes.
        seed: Seed of the latents.

    Returns:
        uint8 RGB (count, S, S, 3).

    Raises:
        ModelError: If the model cannot be used.
    """
    loaded = model if isinstance(model, FaceModel) else load_model(model)
    latent_size = loaded.generator.input_shape[1]
    rng = keyed_rng(seed, Purpose.SAMPLES)
    return generate(loaded.generator, uniform_latents(rng, count, latent_size))


def load_model(source: str | Path = "pretrained") -> FaceModel:
    """Load the networks that complete faces.

    They are kept, the last two, until their files are others.

    Args:
        source: ``pretrained`` for those that come with facefill, or a folder with
            ``generator.keras``, ``discriminator.keras`` and, if there are any,
            ``face_statistics.npz``, ``encoder/encoder.npz`` and
            ``refiner/refiner.npz``, such as ``data/06_models`` of a project.

    Raises:
        ModelError: If they are absent, damaged, or no models.
    """
    if str(source) == sources.PRETRAINED:
        return _load(None, ())
    folder = Path(source).absolute()
    return _load(folder, tuple(_state(folder / name) for name in _FILES))


def _state(path: Path) -> tuple[int, ...]:
    """Tell a file from what another training puts in its place; empty without one."""
    try:
        state = path.stat()
    except OSError:
        return ()
    return state.st_ino, state.st_size, state.st_mtime_ns


@lru_cache(maxsize=_MODELS_KEPT)
def _load(folder: Path | None, _: tuple[tuple[int, ...], ...]) -> FaceModel:
    """Load the model of a folder, by the states of its files; None is the shipped."""
    if folder is None:
        companions = Companions(pretrained.load_statistics())
        return FaceModel(*pretrained.load_pair(), companions)
    pair = read_pair(folder, "name a folder that the pipeline train has filled")
    statistics = read_trained(folder / pretrained.STATISTICS, FacePca.unpacked)
    folders = (folder / name for name in (ENCODER_FOLDER, REFINER_FOLDER))
    return FaceModel(*pair, read_companions(statistics, *folders))


def _faces(
    given: GivenPhoto, found: Extraction, options: CompleteOptions, seed: int
) -> list[FaceInPhoto]:
    """Faces that the photo's hole touches, or all of them for a shape."""
    aligned = [
        AlignedFace(
            face_id("photo", number), face.pixels, face.matrix, face.landmarks is None
        )
        for number, face in enumerate(found.faces, start=1)
        if face.pixels is not None and face.matrix is not None
    ]
    reason = "" if aligned else found.reason or found.faces[0].reason
    if given.hole is not None:
        touched = [face_with_hole(face, given.hole) for face in aligned]
        faces = [face for face in touched if face is not None]
        require_filler(faces, reason, options.outside)
        return faces
    if reason:
        raise PhotoError(reason)
    assert given.shape is not None  # for mypy: what has no hole has a shape
    maker = MaskMaker(given.shape, options, seed)
    return [
        face_with_task(face, maker.task(face.face_id, len(face.pixels)), given.size)
        for face in aligned
    ]


@lru_cache(maxsize=_SEARCHES_KEPT)
def _search(model: FaceModel, options: str, lam: float, seed: int) -> "LatentSearch":
    """Build a search, and keep it: compiling takes as long as a completion."""
    from facefill.inversion.search import LatentSearch

    return LatentSearch(
        model.generator,
        model.discriminator,
        CompleteOptions.model_validate_json(options),
        lam,
        seed,
        model.companions,
    )
