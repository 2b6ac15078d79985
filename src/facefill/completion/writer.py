"""Files and row of one completed photo: pictures, candidates, history."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence, Set
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd

from facefill.completion.dispatch import Found
from facefill.completion.inputs import PhotoTask, Row
from facefill.completion.refining import PHOTOS_AT_ONCE, Unfinished, refined
from facefill.completion.result import (
    CompletedFace,
    Completion,
    completed_face,
    compose,
)
from facefill.completion.result_folders import result_folder
from facefill.completion.uncertainty import FILES, describe_chains, posterior_files
from facefill.errors import PhotoError
from facefill.imaging.compositing import complete
from facefill.imaging.photo_files import SUFFIXES, PhotoFile
from facefill.imaging.photos import decode_photo, read_known
from facefill.imaging.pictures import encode_png, grid
from facefill.imaging.sheets import labelled_columns
from facefill.inversion.candidates import Candidate
from facefill.models.refinement import Refiner
from facefill.parameters import IngestOptions
from facefill.parameters.choices import Outside
from facefill.runtime.batching import groups
from facefill.runtime.files import file_sha256, write_bytes
from facefill.runtime.overlapping import overlapped
from facefill.runtime.tables import as_parquet

_PHOTOS = frozenset(f"photo{suffix}" for suffix in SUFFIXES.values())
_OF_FACES = frozenset(
    {
        "known.png",
        "generated.png",
        "completed.png",
        "blended.png",
        "frames.png",
        "history.parquet",
        "candidates.parquet",
        "candidates.png",
        *FILES,
    }
)
_FACES_LOOKED_FOR = 32
"""Further faces of a photo whose folders of an earlier run are deleted, at most."""
_OF_CANDIDATES = re.compile(r"candidate-[0-9]+\.png")


Given = TypeVar("Given")
Made = TypeVar("Made")


class _Opened(NamedTuple):
    """A photo that is read again, to be finished.

    Attributes:
        found: Results of the searches for its faces.
        unfinished: The photo, and its completed faces.
    """

    found: Found
    unfinished: Unfinished


class ResultWriter:
    """Writes the results, a folder for each photo, and one for each further face."""

    def __init__(
        self,
        photos: Path,
        output: Path,
        limits: IngestOptions,
        outside: Outside,
        refiner: Refiner | None = None,
    ) -> None:
        """Store the folders, and how photos are read again and finished.

        Args:
            photos: Folder of the damaged photos.
            output: Receives a folder for each photo.
            limits: Limits of the photos.
            outside: What becomes of a hole beyond the faces.
            refiner: Refines faces before they are put back; None leaves them.
        """
        self._photos = photos
        self._output = output
        self._limits = limits
        self._outside = outside
        self._refiner = refiner

    def write(self, batch: Sequence[Found]) -> Iterator[Row | Exception]:
        """Write all files of some photos.

        Args:
            batch: The photos, and the results of the searches for their faces.

        Returns:
            Of each photo ``key``, ``id``, ``rows`` of the table, one a face or one for
            a photo without, and ``files`` with their hashes, by path below the folder
            of the completions; or what its completion met, such as a PhotoError if it
            cannot be read any more, or has changed.

        Raises:
            OSError: If a file cannot be written.
        """
        return overlapped(self._outcome, self._refined_each(batch), PHOTOS_AT_ONCE)

    def _refined_each(
        self, batch: Sequence[Found]
    ) -> Iterator[tuple[_Opened, Sequence[CompletedFace]] | Exception]:
        """Each photo with its refined faces, or what it met."""
        for group in groups(batch, PHOTOS_AT_ONCE):
            outcomes = [_attempted(self._opened, found) for found in group]
            opened = [each for each in outcomes if isinstance(each, _Opened)]
            refined_faces = iter(self._refined([each.unfinished for each in opened]))
            for outcome in outcomes:
                if isinstance(outcome, Exception):
                    yield outcome
                    continue
                faces = next(refined_faces)
                yield faces if isinstance(faces, Exception) else (outcome, faces)

    def _outcome(
        self, ready: tuple[_Opened, Sequence[CompletedFace]] | Exception
    ) -> Row | Exception:
        if isinstance(ready, Exception):
            return ready
        opened, faces = ready
        return _attempted(partial(self._written, faces), opened)

    def _refined(
        self, photos: Sequence[Unfinished]
    ) -> Sequence[Sequence[CompletedFace] | Exception]:
        """Refine the faces of photos: together, or if one of them cannot be, alone."""
        together = _attempted(partial(refined, self._refiner), photos)
        if not isinstance(together, Exception):
            return together
        return [self._refined_alone(photo) for photo in photos]

    def _refined_alone(self, photo: Unfinished) -> Sequence[CompletedFace] | Exception:
        alone = _attempted(partial(refined, self._refiner), [photo])
        return alone if isinstance(alone, Exception) else alone[0]

    def _written(self, faces: Sequence[CompletedFace], opened: _Opened) -> Row:
        """Write all files of one photo, whose faces are ready to be put back."""
        (photo, hole, _, original), found = opened.unfinished, opened.found
        task = found.task
        done = compose(photo, hole, faces, self._outside, original)
        contents = _photo_files(done)
        rows = []
        for face, frames in zip(done.faces, found.frames, strict=True):
            face_id = face.face.measurement.key
            distances = hole_distances(face.alternatives, face.face.measurement.mask)
            files = _face_files(face, frames, distances)
            prefix = face_id.removeprefix(task.photo_id)
            contents |= {f"{prefix}/{name}": file for name, file in files.items()}
            rows.append(_describe(face, distances) | _describe_photo(task, done))
        if not rows:
            rows = [{"id": task.photo_id} | _describe_photo(task, done)]
        return {
            "key": task.key,
            "id": task.photo_id,
            "rows": rows,
            "files": self._write_all(task.photo_id, contents),
        }

    def is_whole(self, record: Row) -> bool:
        """Whether every file of a record is there as it was written."""
        try:
            return all(
                file_sha256(self._output / name) == sha256
                for name, sha256 in record["files"].items()
            )
        except OSError:
            return False

    def _opened(self, found: Found) -> _Opened:
        """Read a photo again, and blend what was found for its faces."""
        if found.failure:
            raise PhotoError(found.failure)
        task = found.task
        path = self._photos / task.photo_id
        # As it was aligned: its faces and a hole in its file belong to no other photo.
        content = read_known(path, task.photo_sha256)
        photo = decode_photo(content, self._limits.max_pixels)
        faces = [
            completed_face(face, candidates)
            for face, candidates in zip(task.faces, found.candidates, strict=True)
        ]
        file = PhotoFile(content)
        return _Opened(found, Unfinished(photo, task.hole, faces, file))

    def _write_all(self, photo_id: str, contents: dict[str, bytes]) -> dict[str, str]:
        """Write files named by what follows the photo's id; give their hashes."""
        folder = result_folder(photo_id)
        names = {f"{folder}{name}": content for name, content in contents.items()}
        self._remove_others(photo_id, names.keys())
        for name, content in names.items():
            write_bytes(self._output / name, content)
        return {
            name: hashlib.sha256(content).hexdigest() for name, content in names.items()
        }

    def _remove_others(self, photo_id: str, names: Set[str]) -> None:
        """Delete what an earlier run has left: other faces, candidates, chains."""
        own = self._output / result_folder(photo_id)
        numbers = range(1, _FACES_LOOKED_FOR + 1)
        further = (own.with_name(f"{own.name}#{number}") for number in numbers)
        # The folder of a second face may be that of a photo of this name besides.
        stale = [path for path in own.glob("*") if path.name in _PHOTOS]
        for folder in (own, *further):
            stale += [path for path in folder.glob("*") if _is_of_a_face(path.name)]
        for path in stale:
            if path.relative_to(self._output).as_posix() not in names:
                path.unlink(missing_ok=True)


def _attempted(make: Callable[[Given], Made], given: Given) -> Made | Exception:
    """Make something of a photo; an error of that photo is none of the others."""
    try:
        return make(given)
    except OSError:
        raise
    except Exception as error:
        return error


def _is_of_a_face(name: str) -> bool:
    return name in _OF_FACES or _OF_CANDIDATES.fullmatch(name) is not None


def _photo_files(done: Completion) -> dict[str, bytes]:
    """Encode the photo as it came, and as PNG, which loses nothing."""
    assert done.original is not None  # for mypy: composed from its file
    own = done.original.filled(done.photo, done.hole)
    files = {f"/photo{done.original.suffix}": own}
    return (
        files
        if "/photo.png" in files
        else files | {"/photo.png": encode_png(done.photo)}
    )


def _face_files(
    done: CompletedFace, frames: Sequence[np.ndarray], distances: np.ndarray
) -> dict[str, bytes]:
    """Encode the pictures and tables of a face, by name."""
    known = done.face.measurement
    pictures = {
        "known": done.known,
        "generated": done.generated,
        "completed": done.completed,
        "blended": done.blended,
    }
    if len(done.candidates) > 1:
        for number, picture in enumerate(done.alternatives, start=1):
            pictures[f"candidate-{number}"] = picture
        pictures["candidates"] = labelled_columns(
            ["known", *[f"{candidate.loss:.0f}" for candidate in done.candidates]],
            [done.known, *done.alternatives],
        )
    strip = [
        complete(known.degradation, known.face, frame, known.mask) for frame in frames
    ]
    pictures["frames"] = grid(np.stack(strip), columns=len(strip), gap=0)
    files = {f"{name}.png": encode_png(picture) for name, picture in pictures.items()}
    files["history.parquet"] = as_parquet(_history(done.candidates))
    files["candidates.parquet"] = as_parquet(_table(done.candidates, distances))
    posterior = done.candidates[0].posterior
    return files if posterior is None else files | posterior_files(posterior, known)


def hole_distances(pictures: Sequence[np.ndarray], mask: np.ndarray) -> np.ndarray:
    """Measure how far completions are apart, over the hole.

    Args:
        pictures: uint8 (S, S, 3) each.
        mask: bool (S, S), True = known; if nothing is hidden, all pixels count.

    Returns:
        Mean absolute differences in grey levels, (K, K).
    """
    counted = ~mask if not mask.all() else mask
    holes = np.stack([picture[counted] for picture in pictures]).astype(np.float64)
    return np.asarray(np.abs(holes[:, None] - holes[None]).mean(axis=(2, 3)))


def _history(candidates: Sequence[Candidate]) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "candidate": np.int32(number),
                    "iteration": np.arange(candidate.history.shape[1], dtype=np.int32),
                    "contextual": candidate.history[0],
                    "perceptual": candidate.history[1],
                }
            )
            for number, candidate in enumerate(candidates, start=1)
        ],
        ignore_index=True,
    )


def _table(candidates: Sequence[Candidate], distances: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "candidate": range(1, len(candidates) + 1),
            "start": [candidate.start for candidate in candidates],
            "contextual": [candidate.contextual for candidate in candidates],
            "perceptual": [candidate.perceptual for candidate in candidates],
            "loss": [candidate.loss for candidate in candidates],
            "distances": list(distances),
            "latent": [candidate.latent for candidate in candidates],
        }
    )


def _describe(done: CompletedFace, distances: np.ndarray) -> Row:
    best, known, count = done.candidates[0], done.face.measurement, len(distances)
    difference = np.abs(best.generated.astype(float) - known.face)[known.mask]
    return {
        "id": known.key,
        "known_share": float(known.mask.mean()),
        "contextual": best.contextual,
        "perceptual": best.perceptual,
        "loss": best.loss,
        "known_error": float(difference.mean()) if known.mask.any() else None,
        "candidates": count,
        # Between two of them, grey levels over the hole.
        "candidate_distance": float(distances.sum() / max(count * (count - 1), 1)),
        "enlargement": done.face.enlargement,
    } | describe_chains(best, ~known.mask)


def _describe_photo(task: PhotoTask, done: Completion) -> Row:
    return {
        "status": "completed",
        "reason": "",
        "detail": "",
        "mask": task.mask_name,
        "faces": len(done.faces),
        "by_face": done.by_face,
        "by_inpainting": done.by_inpainting,
        "left": done.left,
    }
