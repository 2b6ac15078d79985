"""The front door: align, complete and sample from Python, without a Kedro project.

Synopsis::

    import facefill

    done = facefill.complete("ann.jpg", mask="hole.png", lam=0.1)
    done.save("ann-whole.png")

Photos and masks are paths, or arrays as the functions say. Everything that can go wrong
with them is an error of ``facefill.errors``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from facefill.completion.faces import (
    AlignedFace,
    FaceInPhoto,
    face_with_hole,
    face_with_task,
    require_filler,
)
from facefill.completion.result import Completion, completed_face, compose
from facefill.errors import MaskError, PhotoError
from facefill.imaging.holes import hole_reader
from facefill.imaging.mask_files import hole_of_mask, scaled_hole
from facefill.imaging.masks import Mask
from facefill.imaging.photo_files import PhotoFile
from facefill.imaging.photos import Pixels, decode_photo, read_content
from facefill.inversion.encoder import encoder_of
from facefill.inversion.masking import MaskMaker
from facefill.models import pretrained, sources
from facefill.models.face_pca import FacePca
from facefill.models.files import read_pair
from facefill.models.generation import generate
from facefill.models.refinement import refiner_of
from facefill.parameters import (
    AlignOptions,
    CompleteOptions,
    IngestOptions,
    MaskName,
)
from facefill.preparation.extraction import Extraction, Face, extract
from facefill.preparation.hints import hint_of, read_hint
from facefill.preparation.hole_alignment import Hint
from facefill.preparation.naming import face_id
from facefill.runtime.rng import Purpose, keyed_rng, uniform_latents

if TYPE_CHECKING:
    import keras

    from facefill.inversion.search import LatentSearch

Photo: TypeAlias = str | Path | Pixels
"""A path, or uint8 RGB (height, width, 3)."""

Hole: TypeAlias = str | Path | NDArray[np.uint8] | NDArray[np.bool_]
"""A mask file, white = hole; bool (height, width), True = hole; uint8 grey, RGB or
RGBA, white = hole; or the name of a shape, such as ``center``."""

ITERATIONS_AFTER_ENCODER = 30
"""Iterations of a search for one face that an encoder begins: 20, 50 and
150 tie on holes of held-out people (docs/results.md)."""

_MODELS_KEPT = _SEARCHES_KEPT = 2


@dataclass(frozen=True, eq=False)
class FaceModel:
    """Networks that complete faces, and statistics to fit what they find.

    Attributes:
        generator: From latents (N, latent_size) to pictures (N, S, S, 3) in [-1, 1].
        discriminator: From pictures to logits (N, 1).
        statistics: Mean and principal components of faces; None does without.
    """

    generator: "keras.Model"
    discriminator: "keras.Model"
    statistics: FacePca | None

    @property
    def image_size(self) -> int:
        """Side of a face in pixels."""
        return int(self.generator.output_shape[1])

    @cached_property
    def defaults(self) -> CompleteOptions:
        """Options of a search for one face, shorter if an encoder begins it.

        In a larger batch what fills it up would cost as much as faces; the result is
        the same but for rounding.
        """
        if encoder_of(self.generator) is None:
            return CompleteOptions(batch_size=1)
        return CompleteOptions(batch_size=1, iterations=ITERATIONS_AFTER_ENCODER)


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
    pixels, _ = _read(photo)
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
    hint: str | Path | Mapping[str, Any] | None = None,
) -> Completion:
    """Complete the missing part of a photo of a face.

    Of the hole, what lies in the crop of a face is searched for, and the rest is
    inpainted. Nothing depends on what is painted under the hole, and no pixel outside
    of it changes.

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
    pixels, original = _read(photo)
    shape = pixels.shape[0], pixels.shape[1]
    hole = _hole(mask, pixels, original, options)
    where = _hint(hint)
    found = extract(pixels, alignment or AlignOptions(), loaded.image_size, hole, where)
    faces = _faces(found, mask, hole, options, seed, shape)
    search = _search(loaded, options.model_dump_json(), lam, seed)
    results = list(search.run(face.measurement for face in faces))
    photos = [
        compose(
            pixels,
            hole,
            [
                completed_face(face, candidates[number:])
                for face, candidates in zip(faces, results, strict=True)
            ],
            options.outside,
            original,
            refiner_of(options.refine, loaded.image_size),
        )
        for number in range(options.candidates if faces else 1)
    ]
    return replace(photos[0], variants=tuple(photos))


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

    Args:
        source: ``pretrained`` for those that come with facefill, or a folder with
            ``generator.keras``, ``discriminator.keras`` and, if there are any,
            ``face_statistics.npz``, such as ``data/06_models`` of a project.

    Raises:
        ModelError: If they are absent, damaged, or no models.
    """
    return _load(str(source))


@lru_cache(maxsize=_MODELS_KEPT)
def _load(source: str) -> FaceModel:
    if source == sources.PRETRAINED:
        content = pretrained.read_statistics()
        statistics = FacePca.unpacked(content) if content else None
        return FaceModel(*pretrained.load_pair(), statistics)
    pair = read_pair(Path(source), "name a folder that the pipeline train has filled")
    file = Path(source, pretrained.STATISTICS)
    statistics = FacePca.unpacked(file.read_bytes()) if file.is_file() else None
    return FaceModel(*pair, statistics)


def _read(photo: Photo) -> tuple[Pixels, PhotoFile | None]:
    if isinstance(photo, str | Path):
        content = read_content(Path(photo))
        return decode_photo(content), PhotoFile(content)
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
        raise PhotoError(
            "unsupported",
            f"a photo is uint8 RGB (height, width, 3), not {photo.dtype} {photo.shape}",
        )
    return photo, None


def _faces(  # what faces and their masks depend on
    found: Extraction,
    mask: Hole,
    hole: Mask | None,
    options: CompleteOptions,
    seed: int,
    shape: tuple[int, int],
) -> list[FaceInPhoto]:
    aligned = [
        AlignedFace(
            face_id("photo", number), face.pixels, face.matrix, face.landmarks is None
        )
        for number, face in enumerate(found.faces, start=1)
        if face.pixels is not None and face.matrix is not None
    ]
    reason = "" if aligned else found.reason or found.faces[0].reason
    if hole is not None:
        touched = [face_with_hole(face, hole) for face in aligned]
        faces = [face for face in touched if face is not None]
        require_filler(faces, reason, options.outside)
        return faces
    if reason:
        raise PhotoError(reason)
    maker = MaskMaker(mask, options, seed)  # type: ignore[arg-type]  # a shape's name
    return [
        face_with_task(face, maker.task(face.face_id, len(face.pixels)), shape)
        for face in aligned
    ]


def _hint(hint: str | Path | Mapping[str, Any] | None) -> Hint | None:
    if hint is None:
        return None
    if isinstance(hint, str | Path):
        return read_hint(Path(hint))
    try:
        return hint_of(dict(hint))
    except ValueError as error:
        raise PhotoError("hint", str(error)) from error


def _hole(
    mask: Hole, photo: Pixels, original: PhotoFile | None, options: CompleteOptions
) -> Mask | None:
    """Read the hole of the photo; None if a shape of the face is named."""
    reader = hole_reader(options, IngestOptions())
    content = original.content if original else b""
    if not isinstance(mask, str | Path):
        size = photo.shape[0], photo.shape[1]
        hole = scaled_hole(_hole_of_array(mask, options), size, "the mask")
        return reader.grown(hole, content)
    if not Path(mask).exists():
        if str(mask) in get_args(MaskName):
            return None
        for source in ("alpha", "colour"):
            if mask == source:
                return replace(reader, source=source).read(photo, content, None)
    return replace(reader, source="files").read(photo, content, Path(mask))


def _hole_of_array(
    mask: NDArray[np.uint8] | NDArray[np.bool_], options: CompleteOptions
) -> Mask:
    if mask.dtype == np.bool_ and mask.ndim == 2:
        if not mask.any():
            raise MaskError("the mask hides nothing: True is the hole")
        return np.asarray(mask, np.bool_)
    if mask.dtype != np.uint8:
        raise MaskError(
            f"a mask is bool or uint8 (height, width), not {mask.dtype} {mask.shape}"
        )
    levels = np.asarray(mask, np.uint8)
    rgb = levels if mask.ndim == 3 else np.repeat(levels[..., None], 3, axis=-1)
    alpha = rgb[..., 3] if rgb.shape[-1] == 4 else None
    return hole_of_mask(rgb[..., :3], alpha, options.mask_files)


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
        model.statistics,
    )
