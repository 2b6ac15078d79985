"""Files and row of one completed photo: pictures, candidates, history."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from facefill.completion.inputs import Folders, PhotoTask, Row
from facefill.completion.result import Completion, FaceInPhoto, compose
from facefill.completion.uncertainty import FILES, describe_chains, posterior_files
from facefill.imaging.compositing import complete
from facefill.imaging.photos import decode_photo, read_known
from facefill.imaging.pictures import encode_png, grid
from facefill.imaging.sheets import labelled_columns
from facefill.inversion.candidates import Candidate
from facefill.parameters import IngestOptions
from facefill.runtime.files import file_sha256, write_bytes
from facefill.runtime.tables import as_parquet


class ResultWriter:
    """Writes the results, a folder for each photo."""

    def __init__(self, folders: Folders, limits: IngestOptions) -> None:
        """Store the folders, and the limits of the photos, which are read again."""
        self._folders = folders
        self._limits = limits

    def write(
        self,
        task: PhotoTask,
        candidates: Sequence[Candidate],
        frames: Sequence[np.ndarray],
    ) -> Row:
        """Write all files of one photo.

        Args:
            task: The photo.
            candidates: Its completions, best first.
            frames: G(z) as the search went on, uint8 (S, S, 3) each.

        Returns:
            A row for the table, with the hashes of the files.

        Raises:
            PhotoError: If the photo cannot be read any more, or has changed.
        """
        known = task.target
        done = self._composed(task, candidates)
        distances = hole_distances(done.alternatives, known.mask)
        contents = {
            f"{name}.png": encode_png(picture)
            for name, picture in _pictures(done).items()
        }
        strip = [
            complete(known.degradation, known.face, frame, known.mask)
            for frame in frames
        ]
        contents["frames.png"] = encode_png(
            grid(np.stack(strip), columns=len(strip), gap=0)
        )
        contents["history.parquet"] = as_parquet(_history(candidates))
        contents["candidates.parquet"] = as_parquet(_table(candidates, distances))
        posterior = candidates[0].posterior
        if posterior is not None:
            contents |= posterior_files(posterior, task.target)
        folder = self._folders.output / task.face_id
        _remove_others(folder, set(contents))
        hashes = {}
        for name, content in contents.items():
            write_bytes(folder / name, content)
            hashes[name] = file_sha256(folder / name)
        return _describe(task, candidates[0], distances) | {"files": hashes}

    def is_whole(self, row: Row) -> bool:
        """Whether every file of a row is there as it was written."""
        folder = self._folders.output / row["id"]
        try:
            return all(
                file_sha256(folder / name) == sha256
                for name, sha256 in row["files"].items()
            )
        except OSError:
            return False

    def _composed(self, task: PhotoTask, candidates: Sequence[Candidate]) -> Completion:
        path = self._folders.photos / task.photo_id
        # As it was aligned: the face and a hole in its file belong to no other photo.
        content = read_known(path, task.photo_sha256)
        photo = decode_photo(content, self._limits.max_pixels)
        face = FaceInPhoto(task.target, task.matrix, task.photo_hole)
        return compose(photo, face, candidates)


def _pictures(done: Completion) -> dict[str, np.ndarray]:
    """Name the pictures of a photo that are written, without their ending."""
    pictures = {
        "known": done.known,
        "generated": done.generated,
        "completed": done.completed,
        "blended": done.blended,
        "photo": done.photo,
    }
    if len(done.candidates) > 1:
        for number, picture in enumerate(done.alternatives, start=1):
            pictures[f"candidate-{number}"] = picture
        pictures["candidates"] = labelled_columns(
            ["known", *[f"{candidate.loss:.0f}" for candidate in done.candidates]],
            [done.known, *done.alternatives],
        )
    return pictures


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


def _remove_others(folder: Path, names: set[str]) -> None:
    """Delete what an earlier run with more candidates, or with chains, has left."""
    others = [folder / name for name in FILES]
    for path in [*folder.glob("candidate*"), *others]:
        if path.name not in names:
            path.unlink(missing_ok=True)


def _describe(task: PhotoTask, best: Candidate, distances: np.ndarray) -> Row:
    mask, count = task.target.mask, len(distances)
    difference = np.abs(best.generated.astype(float) - task.target.face)[mask]
    return {
        "key": task.key,
        "id": task.face_id,
        "status": "completed",
        "reason": "",
        "detail": "",
        "mask": task.mask_name,
        "known_share": float(mask.mean()),
        "contextual": best.contextual,
        "perceptual": best.perceptual,
        "loss": best.loss,
        "known_error": float(difference.mean()) if mask.any() else None,
        "candidates": count,
        # Between two of them, grey levels over the hole.
        "candidate_distance": float(distances.sum() / max(count * (count - 1), 1)),
        # Pixels of the photo for each pixel of the face, along a side.
        "enlargement": float(abs(np.linalg.det(task.matrix[:, :2])) ** -0.5),
    } | describe_chains(best, ~mask)
