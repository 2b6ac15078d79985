"""What is written for one completed photo: pictures, candidates, history, a row."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from facefill.completion.inputs import Folders, PhotoTask, Row
from facefill.completion.uncertainty import FILES, describe_chains, posterior_files
from facefill.imaging.compositing import Placement, blend, complete, paste
from facefill.imaging.photos import read_photo
from facefill.imaging.pictures import encode_png, grid
from facefill.imaging.sheets import labelled_columns
from facefill.inversion.candidates import Candidate
from facefill.parameters import IngestOptions
from facefill.runtime.files import file_sha256, write_bytes
from facefill.runtime.tables import as_parquet


class ResultWriter:
    """Writes outcomes, a folder for each photo."""

    def __init__(self, folders: Folders, limits: IngestOptions) -> None:
        """Take where everything is, and the limits of the photos, read again."""
        self._folders = folders
        self._limits = limits

    def write(
        self,
        one: PhotoTask,
        candidates: Sequence[Candidate],
        frames: Sequence[np.ndarray],
    ) -> Row:
        """Write all that belongs to one photo.

        Args:
            one: The photo.
            candidates: Its completions, best first.
            frames: G(z) as the search went on, uint8 (S, S, 3) each.

        Returns:
            A row for the table, with the hashes of the files.
        """
        face, mask, seen = one.target.face, one.target.mask, one.target.degradation
        blended = [blend(seen, face, each.fitted, mask) for each in candidates]
        distances = hole_distances(blended, mask)
        contents = {
            f"{name}.png": encode_png(picture)
            for name, picture in self._pictures(one, candidates, blended).items()
        }
        strip = [complete(seen, face, frame, mask) for frame in frames]
        contents["frames.png"] = encode_png(
            grid(np.stack(strip), columns=len(strip), gap=0)
        )
        contents["history.parquet"] = as_parquet(_history(candidates))
        contents["candidates.parquet"] = as_parquet(_table(candidates, distances))
        posterior = candidates[0].posterior
        if posterior is not None:
            contents |= posterior_files(posterior, one.target)
        folder = self._folders.output / one.face_id
        _remove_others(folder, set(contents))
        hashes = {}
        for name, content in contents.items():
            write_bytes(folder / name, content)
            hashes[name] = file_sha256(folder / name)
        return _describe(one, candidates[0], distances) | {"files": hashes}

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

    def _pictures(
        self,
        one: PhotoTask,
        candidates: Sequence[Candidate],
        blended: Sequence[np.ndarray],
    ) -> dict[str, np.ndarray]:
        face, mask, seen = one.target.face, one.target.mask, one.target.degradation
        photo = read_photo(
            self._folders.photos / one.photo_id,
            self._limits.max_pixels,
            self._limits.max_bytes,
        )
        pictures = {
            "known": seen.show(face, mask),
            "generated": candidates[0].generated,
            "completed": complete(seen, face, candidates[0].fitted, mask),
            "blended": blended[0],
            "photo": paste(
                seen, Placement(photo, one.matrix, one.photo_hole), blended[0], mask
            ),
        }
        if len(candidates) > 1:
            for number, picture in enumerate(blended, start=1):
                pictures[f"candidate-{number}"] = picture
            pictures["candidates"] = labelled_columns(
                ["known", *[f"{each.loss:.0f}" for each in candidates]],
                [pictures["known"], *blended],
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
                    "iteration": np.arange(each.history.shape[1], dtype=np.int32),
                    "contextual": each.history[0],
                    "perceptual": each.history[1],
                }
            )
            for number, each in enumerate(candidates, start=1)
        ],
        ignore_index=True,
    )


def _table(candidates: Sequence[Candidate], distances: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "candidate": range(1, len(candidates) + 1),
            "start": [each.start for each in candidates],
            "contextual": [each.contextual for each in candidates],
            "perceptual": [each.perceptual for each in candidates],
            "loss": [each.loss for each in candidates],
            "distances": list(distances),
            "latent": [each.latent for each in candidates],
        }
    )


def _remove_others(folder: Path, names: set[str]) -> None:
    """Delete what an earlier run with more candidates, or with chains, has left."""
    others = [folder / name for name in FILES]
    for path in [*folder.glob("candidate*"), *others]:
        if path.name not in names:
            path.unlink(missing_ok=True)


def _describe(one: PhotoTask, best: Candidate, distances: np.ndarray) -> Row:
    mask, count = one.target.mask, len(distances)
    difference = np.abs(best.generated.astype(float) - one.target.face)[mask]
    return {
        "key": one.key,
        "id": one.face_id,
        "status": "completed",
        "reason": "",
        "detail": "",
        "mask": one.mask_name,
        "known_share": float(mask.mean()),
        "contextual": best.contextual,
        "perceptual": best.perceptual,
        "loss": best.loss,
        "known_error": float(difference.mean()) if mask.any() else None,
        "candidates": count,
        # Between two of them, grey levels over the hole.
        "candidate_distance": float(distances.sum() / max(count * (count - 1), 1)),
        # Pixels of the photo for each pixel of the face, along a side.
        "enlargement": float(abs(np.linalg.det(one.matrix[:, :2])) ** -0.5),
    } | describe_chains(best, ~mask)
