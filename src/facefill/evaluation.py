"""How good completions are: held-out faces, hidden in part, against baselines.

Every figure is of faces that training has not seen. PSNR is given over the hole
alone and over the composite (known pixels copied), since the second grows with
the known share whatever fills the hole.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from facefill import baselines, metrics, randomness
from facefill.blending import poisson_blend
from facefill.completion import Search, complete_face
from facefill.errors import DataError
from facefill.face_sets import FaceSet
from facefill.figures import labelled_rows
from facefill.knowledge import Target
from facefill.masking import MaskMaker
from facefill.masks import hide, lowres_factor
from facefill.parameters import MaskName
from facefill.progress import Advance, progress
from facefill.splitting import identities

NUM_PICTURED = 8

METRICS = ("hole_psnr", "psnr", "ssim")
"""dB over the hole, dB over the composite, structural similarity of it."""


@dataclass(frozen=True)
class HeldOut:
    """Faces to evaluate with.

    Attributes:
        keys: Ids of the photos.
        faces: uint8 (N, S, S, 3).
        mean: Mean of the training faces, uint8 (S, S, 3).
    """

    keys: Sequence[str]
    faces: np.ndarray
    mean: np.ndarray


@dataclass(frozen=True)
class Scores:
    """Results under one mask.

    Attributes:
        mask: Its name.
        values: For each method and metric a value a face, float64 (N,).
        sheet: The first faces, a column each, with a row for the known part, for
            every method and for the truth.
        seconds_per_face: Time of the search.
    """

    mask: MaskName
    values: Mapping[str, Mapping[str, np.ndarray]]
    sheet: np.ndarray
    seconds_per_face: float


def hold_out(faces: FaceSet, count: int, seed: int) -> HeldOut:
    """Choose faces of the held-out split, the same at every run.

    Each is of another person as long as there are people left: a person with
    hundreds of photos would otherwise decide the figures.

    Args:
        faces: All faces, with their splits.
        count: Faces to choose; all of the split if it has fewer.
        seed: Of the choice.

    Raises:
        DataError: If none is held out.
    """
    rows = np.flatnonzero(faces.table["split"] == "held_out")
    if len(rows) == 0:
        raise DataError(
            "no face is held out to evaluate with; raise flatten.held_out_fraction "
            "or add photos"
        )
    draw = randomness.generator(seed, randomness.Purpose.EVALUATION)
    shuffled = draw.permutation(rows)
    people = pd.Series(identities(list(faces.table["id"])))
    is_second = people.iloc[shuffled].duplicated().to_numpy()
    chosen = np.sort(shuffled[np.argsort(is_second, kind="stable")][:count])
    return HeldOut(
        keys=list(faces.table["id"].iloc[chosen]),
        faces=faces.images[chosen],
        mean=baselines.mean_face(faces.of_split("train")),
    )


def score(
    held_out: HeldOut, masks: Sequence[MaskMaker], search: Search
) -> list[Scores]:
    """Complete every face under every mask and measure all methods.

    Args:
        held_out: The faces.
        masks: One for each shape of the hole.
        search: The latent search.
    """
    total = len(masks) * len(held_out.faces) * search.iterations_per_photo
    with progress(total, "evaluating", "iterations of faces") as advance:
        return [_score_mask(held_out, mask, search, advance) for mask in masks]


def report(scores: Sequence[Scores]) -> dict[str, Any]:
    """Tabulate scores as JSON: a row for each mask and method.

    ``error`` is the standard error of the mean over the faces.
    """
    rows = []
    for one in scores:
        for method, values in one.values.items():
            row: dict[str, Any] = {"mask": one.mask, "method": method}
            for name in METRICS:
                found = values[name]
                row[name] = float(found.mean())
                row[f"{name}_error"] = float(
                    found.std() / max(len(found) - 1, 1) ** 0.5
                )
            rows.append(row)
    return {
        "faces": len(next(iter(scores[0].values.values()))["psnr"]),
        "seconds_per_face": {one.mask: one.seconds_per_face for one in scores},
        "rows": rows,
    }


def _score_mask(
    held_out: HeldOut, maker: MaskMaker, search: Search, advance: Advance
) -> Scores:
    size = held_out.faces.shape[1]
    masks = [maker.shape(key, size) for key in held_out.keys]
    low_resolution = maker.name == "lowres"
    targets = [
        Target(key, face, mask, low_resolution)
        for key, face, mask in zip(held_out.keys, held_out.faces, masks, strict=True)
    ]
    started = time.monotonic()
    generated = [best.generated for best, *_ in search.run(targets, advance=advance)]
    seconds = time.monotonic() - started
    fillings = [
        _fill(target, picture, held_out.mean)
        for target, picture in zip(targets, generated, strict=True)
    ]
    return Scores(
        mask=maker.name,
        values=_measure(targets, fillings),
        sheet=_sheet(targets, fillings),
        seconds_per_face=seconds / len(targets),
    )


def _fill(
    target: Target, generated: np.ndarray, mean: np.ndarray
) -> dict[str, np.ndarray]:
    """Fill one face's hole by every method."""
    face, mask = target.face, target.mask
    if target.low_resolution:
        return {
            "mean_face": mean,
            "bicubic": baselines.bicubic(face, lowres_factor(len(face))),
            "completed": generated,
        }
    return {
        "mean_face": baselines.mean_completion(face, mask, mean),
        "telea": baselines.telea(face, mask),
        "navier_stokes": baselines.navier_stokes(face, mask),
        "completed": complete_face(face, generated, mask),
        "blended": poisson_blend(face, generated, mask),
    }


def _measure(
    targets: Sequence[Target], fillings: Sequence[Mapping[str, np.ndarray]]
) -> dict[str, dict[str, np.ndarray]]:
    values: dict[str, dict[str, np.ndarray]] = {}
    for method in fillings[0]:
        pairs = [
            (target, filled[method])
            for target, filled in zip(targets, fillings, strict=True)
        ]
        values[method] = {
            "hole_psnr": np.array(
                [metrics.hole_psnr(one.face, made, one.mask) for one, made in pairs]
            ),
            "psnr": np.array([metrics.psnr(one.face, made) for one, made in pairs]),
            "ssim": np.array([metrics.ssim(one.face, made) for one, made in pairs]),
        }
    return values


def _sheet(
    targets: Sequence[Target], fillings: Sequence[Mapping[str, np.ndarray]]
) -> np.ndarray:
    first = targets[:NUM_PICTURED]
    rows = {
        "known": [hide(target.face, target.mask) for target in first],
        **{
            method: [filled[method] for filled in fillings[: len(first)]]
            for method in fillings[0]
        },
        "truth": [target.face for target in first],
    }
    return labelled_rows(rows)
