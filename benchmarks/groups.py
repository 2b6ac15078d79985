"""Completions by age, sex and origin of the people: for whom they are worse.

Usage::

    python benchmarks/groups.py PHOTOS [--each 4] [--only FILE] [--report FILE]
        [--table FILE] [--sheet FILE]

PHOTOS is a folder whose files are named as UTKFace's: ``age_sex_origin_date``, with sex
0 (male) or 1, and origin 0 to 4 (white, black, Asian, Indian, other; of the last are
Hispanic, Latino and Middle Eastern people). The names say what a network has estimated
and people have corrected, not what anybody said of themselves. ``--only`` names a file
with a name of a photo a line: those whom neither a training nor a choice has seen.

Of every combination of age band, sex and origin at most ``--each`` people are taken, in
an order that the seed decides, so that a group differs from the others by little else
than what it is named after. The centre of each face is hidden and completed in the
photo, where the face was aligned before, and judged at 128 pixels a face, as in
``in_photo.py``. Beside ours stands inpainting by Telea, which knows of no face: where
that has less error, too, the hidden parts are easier.

Printed are means with 95 % intervals, and how much a group differs from all others,
with the interval of Welch's t-test. One in twenty of these intervals misses zero by
chance. Differences that hold when all comparisons of a measure are counted (Bonferroni)
are marked ``*``. On two cores 3 seconds a person.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import facefill
from facefill.completion.faces import AlignedFace
from facefill.evaluation.hidden_faces import HiddenFace, crops_of
from facefill.evaluation.identity import Identify
from facefill.evaluation.in_photo import PhotoJudges
from facefill.imaging.masks import build_mask
from facefill.imaging.photos import read_photo
from facefill.imaging.pictures import write_png
from facefill.parameters import AlignOptions
from in_photo import METHODS, RESAMPLES, SEED, SIZE
from support.demographics import Person, lines, person_of, summary

OURS, PLAIN = "default", "telea"


def people(paths: Iterable[Path], each: int) -> list[Path]:
    """Choose so many of every combination of groups, in a shuffled order."""
    rng = np.random.default_rng(SEED)
    listed = sorted(paths)
    counts: dict[Person, int] = {}
    chosen = []
    for place in rng.permutation(len(listed)):
        path = listed[place]
        person = person_of(path.name)
        if person is None or counts.get(person, 0) == each:
            continue
        counts[person] = counts.get(person, 0) + 1
        chosen.append(path)
    return sorted(chosen)


def hidden(paths: Iterable[Path]) -> Iterator[HiddenFace]:
    """Align the faces of photos, and hide the centre of each."""
    kept = build_mask("center", SIZE)
    for path in paths:
        faces = facefill.align(read_photo(path), options=AlignOptions())
        if faces and faces[0].pixels is not None and faces[0].matrix is not None:
            face = AlignedFace(path.name, faces[0].pixels, faces[0].matrix, False)
            yield HiddenFace(face, path, kept)


def judged(faces: list[HiddenFace], sheet: Path | None) -> pd.DataFrame:
    """Complete and judge; a row for each method and face, with the person's groups."""
    identify = Identify("innerEyesAndBottomLip")
    judges = PhotoJudges(faces, crops_of([]), identify, RESAMPLES, SEED)
    for method in (OURS, PLAIN):
        judges.add(method, METHODS[method](faces))
        print(f"completed by {method}", flush=True)
    found = judges.judge(OURS)
    if sheet is not None and found.sheet is not None:
        write_png(sheet, found.sheet)
    groups = pd.DataFrame([person_of(name) for name in found.table["id"]])
    return pd.concat([found.table, groups], axis=1)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--each", type=int, default=4)
    parser.add_argument("--only", type=Path)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--table", type=Path, help="keeps a row a face as CSV")
    parser.add_argument("--sheet", type=Path)
    given = parser.parse_args()
    paths = sorted(given.photos.rglob("*.jpg"))
    if given.only is not None:
        wanted = set(given.only.read_text(encoding="utf-8").split("\n"))
        paths = [path for path in paths if path.name in wanted]
    faces = list(hidden(people(paths, given.each)))
    print(f"{len(faces)} faces", flush=True)
    table = judged(faces, given.sheet)
    if given.table is not None:
        table.to_csv(given.table, index=False)
    plain = table[table["method"] == PLAIN].set_index("id")["hole_psnr"]
    rows = summary(table[table["method"] == OURS], plain)
    print(*lines(rows), sep="\n")
    if given.report is not None:
        given.report.write_text(json.dumps(rows, indent=1, default=float))


if __name__ == "__main__":
    main()
