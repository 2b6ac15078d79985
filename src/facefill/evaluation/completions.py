"""Completion quality on held-out faces: PSNR, SSIM and identity against baselines.

Every figure is of faces that training has not seen. PSNR is given over the hole
alone and over the composite (known pixels copied), since the second grows with
the known share whatever fills the hole; identity is how far the completed face is
from the true one as dlib tells people apart.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facefill.errors import DataError
from facefill.evaluation import metrics
from facefill.evaluation.bootstrap import bootstrap_interval
from facefill.evaluation.held_out import (
    EVERYONE,
    are_of_first_half,
    different_people_first,
)
from facefill.evaluation.methods import Baselines, Filled, completed_by, generated_only
from facefill.imaging.sheets import labelled_rows
from facefill.inversion.masking import MaskMaker
from facefill.inversion.measurement import Measurement
from facefill.inversion.search import LatentSearch
from facefill.parameters import EvaluateOptions, MethodName
from facefill.preparation.face_set import FaceSet
from facefill.preparation.sharded_array import ImageArray
from facefill.preparation.splits import TEST, TRAIN
from facefill.runtime import rng
from facefill.runtime.algebra_threads import one_algebra_thread
from facefill.runtime.progress import Advance, progress

Describe = Callable[[np.ndarray], np.ndarray]
"""Gives descriptors of faces, uint8 (N, S, S, 3), by which people can be told apart."""

NUM_PICTURED = 9

METRICS = ("hole_psnr", "psnr", "ssim", "known_l1", "identity", "seam")
"""dB over the hole, dB and structural similarity over all, grey levels over the known
pixels, distance of dlib's descriptors, how much the hole's border stands out."""


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class HeldOut:
    """Faces to evaluate with.

    Attributes:
        keys: Ids of the photos.
        faces: uint8 (N, S, S, 3).
        train: Faces that baselines may learn from, uint8 (M, S, S, 3).
        crossed: Those of ``everyone`` that baselines of the first half of the people
            learn from, while those of the second half have the first as ``train``.
        is_first: Which faces are of the first half, bool (N,).
    """

    keys: Sequence[str]
    faces: np.ndarray
    train: ImageArray
    crossed: ImageArray | None = None
    is_first: NDArray[np.bool_] | None = None


def hold_out(faces: FaceSet, count: int, seed: int, side: str = TEST) -> HeldOut:
    """Choose held-out faces, the same at every run.

    Each is of another person as long as there are people left: a person with
    hundreds of photos would otherwise decide the figures.

    Args:
        faces: All faces, with their splits.
        count: Faces to choose; all of the split if it has fewer.
        seed: Of the choice.
        side: ``test`` to report what is measured, ``validation`` to choose by it, or
            ``everyone``.

    Raises:
        DataError: If none is held out.
    """
    chosen = np.sort(different_people_first(faces, side, seed)[:count])
    if len(chosen) == 0:
        raise DataError(
            "no face is held out to evaluate with; raise flatten.held_out_fraction "
            "or add photos"
        )
    return held_out_rows(faces, chosen, side)


def held_out_rows(faces: FaceSet, rows: NDArray[np.int64], side: str) -> HeldOut:
    """Take faces of a set with what baselines may learn from.

    Args:
        faces: All faces, with their splits.
        rows: Those to take.
        side: As for ``hold_out``.
    """
    keys, images = list(faces.table["id"].iloc[rows]), faces.images[rows]
    if side != EVERYONE:
        return HeldOut(keys, images, faces.of_split(TRAIN))
    is_first = are_of_first_half(faces)
    first, second = (
        faces.images[np.flatnonzero(part)] for part in (is_first, ~is_first)
    )
    return HeldOut(keys, images, first, second, is_first[rows])


def baselines_of(
    held_out: HeldOut, methods: Sequence[MethodName], draw: np.random.Generator
) -> list[Baselines]:
    """Baselines of each face, none of which has learnt from a face of its person.

    Args:
        held_out: The faces.
        methods: Methods that are wanted.
        draw: Chooses the faces that are learnt from.
    """
    if held_out.crossed is None or held_out.is_first is None:
        of_all = Baselines(held_out.train, methods, draw)
        return [of_all] * len(held_out.keys)
    if min(len(held_out.train), len(held_out.crossed)) < 2:
        methods = [name for name in methods if name != "pca"]  # it needs two faces
    of_second, of_first = (
        Baselines(faces, methods, draw) for faces in (held_out.train, held_out.crossed)
    )
    return [of_first if is_first else of_second for is_first in held_out.is_first]


@dataclass(frozen=True)
class Scores:
    """Results under one mask.

    Attributes:
        mask: Its name.
        table: A row for each method and face, with the metrics.
        sheet: Faces from the best to the worst, a column each, with a row for the
            known part, for every method and for the truth.
        seconds_per_face: Time of each search.
    """

    mask: str
    table: pd.DataFrame
    sheet: np.ndarray
    seconds_per_face: Mapping[str, float]


class Evaluation:
    """Completes faces under masks by methods, and measures the results."""

    def __init__(
        self,
        held_out: HeldOut,
        options: EvaluateOptions,
        searches: Mapping[str, LatentSearch],
        identify: Describe | None,
        seed: int,
    ) -> None:
        """Take the faces, the methods, and what tells people apart.

        Args:
            held_out: The faces.
            options: Which methods.
            searches: Those of them that search, by name; no face is refined.
            identify: Gives the descriptors of faces; None leaves identity out.
            seed: Of what is drawn.
        """
        self._held_out = held_out
        self._options = options
        self._searches = {name: each.unrefined() for name, each in searches.items()}
        self._identify = identify
        self._seed = seed
        baseline_rng = rng.keyed_rng(seed, rng.Purpose.EVALUATION, 1)
        self._baselines = baselines_of(held_out, options.methods, baseline_rng)
        self._truth = identify(held_out.faces) if identify else None

    def run(self, masks: Sequence[MaskMaker]) -> Iterator[Scores]:
        """Score one mask after the other."""
        per_face = sum(each.iterations_per_photo for each in self._searches.values())
        total = len(masks) * len(self._held_out.faces) * per_face
        with progress(total, "evaluating", "iterations of faces") as advance:
            for mask in masks:
                yield self._score(mask, advance)

    def _score(self, maker: MaskMaker, advance: Advance) -> Scores:
        faces, keys = self._held_out.faces, self._held_out.keys
        targets = [
            maker.degraded(key, face) for key, face in zip(keys, faces, strict=True)
        ]
        results, seconds = {}, {}
        for name, search in self._searches.items():
            started = time.monotonic()
            with one_algebra_thread():
                found = search.run(targets, advance=advance)
                results[name] = [best for best, *_ in found]
            seconds[name] = (time.monotonic() - started) / len(targets)
        filled: list[Filled] = []
        for index, target in enumerate(targets):
            bests = {name: candidates[index] for name, candidates in results.items()}
            made = self._baselines[index].fill(target) | generated_only(bests)
            for name, best in bests.items():
                made |= completed_by(name, target, best)
            filled.append(made)
        distances = self._distances(filled)
        rows = (
            self._rows(targets, filled, method, distances[method])
            for method in filled[0]
        )
        table = pd.DataFrame(chain.from_iterable(rows)).assign(mask=maker.name)
        sheet = _sheet(targets, faces, filled, table)
        return Scores(maker.name, table, sheet, seconds)

    def _distances(self, filled: Sequence[Filled]) -> dict[str, np.ndarray]:
        """Measure how far the results of each method are from the true faces."""
        methods = list(filled[0])
        if self._identify is None or self._truth is None:
            return dict.fromkeys(methods, np.full(len(filled), np.nan))
        logger.info("describing %d faces", len(methods) * len(filled))
        # All at once, since it takes a while to get ready.
        descriptors = self._identify(
            np.stack([each[method] for method in methods for each in filled])
        ).reshape(len(methods), *self._truth.shape)
        return dict(
            zip(methods, np.linalg.norm(descriptors - self._truth, axis=2), strict=True)
        )

    def _rows(
        self,
        targets: Sequence[Measurement],
        filled: Sequence[Filled],
        method: str,
        distances: np.ndarray,
    ) -> Iterator[dict[str, Any]]:
        pictures = [each[method] for each in filled]
        for index, target in enumerate(targets):
            face, picture = self._held_out.faces[index], pictures[index]
            mask = target.mask
            yield {
                "method": method,
                "id": target.key,
                "hole_psnr": metrics.hole_psnr(face, picture, mask),
                "psnr": metrics.psnr(face, picture),
                "ssim": metrics.ssim(face, picture),
                "known_l1": (
                    metrics.known_l1(face, picture, mask) if mask.any() else np.nan
                ),
                "identity": distances[index],
                "seam": metrics.seam_score(picture, mask),
            }


def every_row(scores: Sequence[Scores], *others: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the metrics: a row for each mask, method and face.

    Args:
        scores: Of each mask.
        others: Rows of what was measured otherwise, which may have further metrics.
    """
    table = pd.concat([of_mask.table for of_mask in scores], ignore_index=True)
    table = table[["mask", "method", "id", *METRICS]]
    for other in others:
        table = pd.concat([table, other], ignore_index=True)
    return table


def report(scores: Sequence[Scores], resamples: int, seed: int) -> dict[str, Any]:
    """Tabulate scores as JSON: a row for each mask and method.

    ``<metric>_low`` and ``_high`` bound the mean with 95 % confidence. ``gains`` has
    the same of our completion less each other method, face by face.
    """
    rows, gains = [], []
    for of_mask in scores:
        by_method = dict(list(of_mask.table.groupby("method", sort=False)))
        ours = by_method.get("blended", by_method.get("completed"))
        for method, table in by_method.items():
            named = {"mask": of_mask.mask, "method": method}
            rows.append(named | _summary(table[list(METRICS)], resamples, seed))
            if ours is not None and table is not ours:
                columns = list(METRICS)
                values = ours[columns].to_numpy() - table[columns].to_numpy()
                difference = pd.DataFrame(values, columns=columns)
                gains.append(named | _summary(difference, resamples, seed))
    return {
        "faces": int(scores[0].table["id"].nunique()),
        "seconds_per_face": {
            of_mask.mask: dict(of_mask.seconds_per_face) for of_mask in scores
        },
        "rows": rows,
        "gains": gains,
    }


def _summary(table: pd.DataFrame, resamples: int, seed: int) -> dict[str, float]:
    summary: dict[str, float] = {}
    for name in table.columns:
        # Equal pictures have infinite PSNR, which JSON and means cannot hold.
        values = table[name].to_numpy(np.float64)
        values = values[np.isfinite(values)]
        if len(values):
            low, high = bootstrap_interval(values, resamples, seed)
            summary |= {
                name: float(values.mean()),
                f"{name}_low": low,
                f"{name}_high": high,
            }
    return summary


def _sheet(
    targets: Sequence[Measurement],
    truth: np.ndarray,
    filled: Sequence[Filled],
    table: pd.DataFrame,
) -> np.ndarray:
    """Picture the best, the median and the worst by the hole's PSNR, best first."""
    ours = "blended" if "blended" in filled[0] else list(filled[0])[-1]
    scores = table[table["method"] == ours]["hole_psnr"].to_numpy()
    order = np.argsort(-scores, kind="stable")
    third = NUM_PICTURED // 3
    middle = (len(order) - third) // 2
    columns = [*order[:third], *order[middle : middle + third], *order[-third:]]
    if len(order) < NUM_PICTURED:
        columns = list(order)
    chosen = [targets[index] for index in columns]
    rows = {
        "known": [each.degradation.show(each.face, each.mask) for each in chosen],
        **{name: [filled[index][name] for index in columns] for name in filled[0]},
        "truth": [truth[index] for index in columns],
    }
    return labelled_rows(rows)
