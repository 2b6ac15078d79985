"""Matching of mask files to photos, by their names.

A mask is named after its photo: ``ann.jpg.png`` or ``ann.png`` for ``ann.jpg``, in the
same folder below the folder of masks. Names are compared as people read them: Unicode
composed (macOS writes it decomposed), and without regard to case.
"""

import difflib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif"}
)
"""Endings of files that can be masks, in lower case."""


@dataclass(frozen=True)
class MaskMatches:
    """Masks of photos, and what fits nothing.

    Attributes:
        masks: Path of the mask file by path of the photo.
        rivals: Paths of mask files that fit one photo equally well, by its path.
        unused: Paths of files that fit no photo.
    """

    masks: dict[str, str] = field(default_factory=dict)
    rivals: dict[str, list[str]] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)


def match_masks(photos: Iterable[str], files: Iterable[str]) -> MaskMatches:
    """Find the mask file of each photo.

    A file that bears the whole name of a photo, suffix included, comes before one that
    bears its stem, which counts only where a single photo has that stem.

    Args:
        photos: Paths of photos below their folder, with ``/``.
        files: Paths of all files below the folder of masks, with ``/``.
    """
    by_name: dict[str, str] = {}
    by_stem: dict[str, list[str]] = defaultdict(list)
    for photo in sorted(photos):
        by_name[_folded(photo)] = photo
        by_stem[_folded(_stem(photo))].append(photo)
    full: dict[str, list[str]] = defaultdict(list)
    partial: dict[str, list[str]] = defaultdict(list)
    matches = MaskMatches()
    for file in sorted(files):
        stem = _folded(_stem(file))
        namesakes = by_stem.get(stem, [])
        is_picture = PurePosixPath(file).suffix.lower() in SUFFIXES
        if is_picture and stem in by_name:
            full[by_name[stem]].append(file)
        elif is_picture and len(namesakes) == 1:
            partial[namesakes[0]].append(file)
        else:
            matches.unused.append(file)
    for photo, rivals in {**partial, **full}.items():
        if len(rivals) == 1:
            matches.masks[photo] = rivals[0]
        else:
            matches.rivals[photo] = rivals
    for photo in full.keys() & partial.keys():
        matches.unused.extend(partial[photo])
    return matches


def describe_unused(unused: Sequence[str], photos: Sequence[str]) -> str:
    """Write a line on files that fit no photo, with the nearest name for each."""
    parts = []
    for file in unused:
        near = _nearest(file, photos)
        parts.append(f"{file} (did you mean {near}.png?)" if near else file)
    return (
        f"no photo for {len(unused)} of the mask files: {', '.join(parts)}; a mask is "
        "named after its photo, such as ann.jpg.png or ann.png for ann.jpg"
    )


def _nearest(file: str, photos: Sequence[str]) -> str:
    """Photo whose name a mask's name contains, or nearly is; empty if there is none."""
    stem = _folded(_stem(file))
    contained = [photo for photo in photos if _folded(_stem(photo)) in stem]
    near = difflib.get_close_matches(_stem(file), photos, n=1)
    return max(contained, key=len, default=near[0] if near else "")


def _stem(path: str) -> str:
    return PurePosixPath(path).with_suffix("").as_posix()


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()
