"""Holes of the photos to complete: the file of each, before anything is decoded."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from facefill.completion.mask_matching import MaskMatches, describe_unused, match_masks
from facefill.errors import FacefillError, MaskError, PhotoError
from facefill.parameters.choices import HoleSource
from facefill.runtime.files import file_sha256

logger = logging.getLogger(__name__)

COLUMNS = (
    "path",
    "mask_file",
    "mask_sha256",
    "hint_file",
    "hint_sha256",
    "problem",
    "problem_reason",
)
"""Columns of the table of holes, all of them text; empty where there is nothing."""

_NAMED = 5


def find_holes(
    photos: list[str],
    masks: Path | None,
    hints: Path | None,
    source: HoleSource,
    otherwise: str = "get the shape of the parameter mask",
) -> pd.DataFrame:
    """Find the mask file and the hint of each photo.

    Mask files that fit no photo, and photos without a mask where others have one, are
    warned of.

    Args:
        photos: Paths of the photos below their folder, with ``/``.
        masks: Folder of the mask files; need not exist, nor be given.
        hints: Folder of the hints, ``<photo>.json``; the same.
        source: Where holes are given; mask files are looked for if it is ``files``.
        otherwise: What photos without a mask do, for the warning.

    Returns:
        A row for each photo, with ``COLUMNS``: paths below the folders, with the
        hashes of the files; ``problem`` says why its mask or its hint cannot be used,
        and ``problem_reason`` which of the two: ``mask`` or ``hint``.
    """
    matches = MaskMatches()
    if source == "files" and masks is not None:
        matches = match_masks(photos, _visible_files(masks))
        _warn(matches, photos, otherwise)
    rows = []
    for photo in photos:
        mask, problem = matches.masks.get(photo, ""), ""
        if rivals := matches.rivals.get(photo):
            problem = f"several mask files fit it ({', '.join(rivals)}); keep one"
        mask_sha256, mask_problem = _hashed(masks, mask)
        hint = f"{photo}.json"
        if hints is None or not (hints / hint).is_file():
            hint = ""
        hint_sha256, hint_problem = _hashed(hints, hint)
        problem, reason = problem or mask_problem, "mask"
        if hint_problem and not problem:
            problem, reason = hint_problem, "hint"
        hashed = photo, mask, mask_sha256, hint, hint_sha256
        rows.append((*hashed, problem, reason if problem else ""))
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)


def problem_of(row: Any) -> FacefillError | None:
    """Error of a photo whose mask or hint cannot be used, from its row.

    Args:
        row: Row of the table of holes; None if the photo has none.
    """
    if row is None or not row.problem:
        return None
    # A table of an earlier version has no reasons.
    if getattr(row, "problem_reason", "mask") == "hint":
        return PhotoError("hint", row.problem)
    return MaskError(row.problem)


def _visible_files(folder: Path) -> Iterator[str]:
    """Paths of the files below a folder, which need not exist; no hidden ones."""

    def warn(error: OSError) -> None:
        # Photos whose masks are there would get the shape of others, unnoticed.
        if not isinstance(error, FileNotFoundError):
            logger.warning(
                "%s cannot be read (%s): masks in it are not seen",
                error.filename,
                error.strerror,
            )

    for root, folders, names in os.walk(folder, onerror=warn):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(root, name).relative_to(folder).as_posix()


def _hashed(folder: Path | None, file: str) -> tuple[str, str]:
    """Hash a file; give the hash, or why there is none."""
    if folder is None or not file:
        return "", ""
    try:
        return file_sha256(folder / file), ""
    except OSError as error:
        return "", f"{folder / file} cannot be read ({error.strerror})"


def _warn(matches: MaskMatches, photos: list[str], otherwise: str) -> None:
    if matches.unused:
        logger.warning("%s", describe_unused(matches.unused, photos))
    matched = matches.masks.keys() | matches.rivals.keys()
    without = [photo for photo in photos if photo not in matched]
    if matches.masks and without:
        more = f" and {len(without) - _NAMED} more" if len(without) > _NAMED else ""
        logger.warning(
            "%d of %d photos have no mask file, and %s: %s%s",
            len(without),
            len(photos),
            otherwise,
            ", ".join(without[:_NAMED]),
            more,
        )
