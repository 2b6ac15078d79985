"""Completed photos judged in the photo: error, detail, LPIPS, realism and identity.

What users get is the photo in its own size. There a face of 64 pixels, enlarged, is
soft, which no measure of the aligned face can see. So the result is cut out of the
completed photo again, by the map of the intact one and at 128 pixels, and compared with
what was there.

Synopsis::

    judges = PhotoJudges(faces, crops_of(others), identify, resamples=1000, seed=1)
    judges.add("telea", photos_completed_by_telea)
    judges.add("default", photos_completed_by_us)
    judged = judges.judge(ours="default")
    judged.report["rows"], judged.table, judged.sheet
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facefill.errors import DataError
from facefill.evaluation import perceptual
from facefill.evaluation.bootstrap import bootstrap_interval, interval_of, resampled
from facefill.evaluation.completions import Describe
from facefill.evaluation.hidden_faces import CROP, HiddenFace
from facefill.evaluation.methods import Filled
from facefill.evaluation.metrics import detail_ratio, hole_psnr
from facefill.evaluation.realism import LEAST_FACES, Realism
from facefill.imaging.masks import HOLE_GREY
from facefill.imaging.photos import Pixels
from facefill.imaging.sheets import labelled_rows
from facefill.parameters.choices import Judge
from facefill.runtime.progress import progress

PHOTO = "photo"
"""Names the rows of what is judged in the photo, where others have their mask."""

AVERAGES: dict[str, Callable[..., Any]] = {
    "hole_psnr": np.mean,
    "detail": np.median,
    "identity": np.mean,
    "lpips_alexnet": np.mean,
    "lpips_vgg16": np.mean,
}
"""What is measured of each face, and how it is averaged: dB over the hole; energy of
detail in it over that of the truth; distance of dlib's descriptors; LPIPS."""

NUM_PICTURED = 8

logger = logging.getLogger(__name__)


class Judged(NamedTuple):
    """Results of all methods.

    Attributes:
        table: A row for each method and face.
        report: Averages with intervals, and differences from ours.
        sheet: Crops of some faces, a column each: holed, by every method, true; None
            if there are none.
    """

    table: pd.DataFrame
    report: dict[str, Any]
    sheet: NDArray[np.uint8] | None

    def figures(self) -> dict[str, NDArray[np.uint8]]:
        """Pictures by file name."""
        return {} if self.sheet is None else {"in_photo.png": self.sheet}


def nothing_judged(reason: str) -> Judged:
    """Results where no photo could be judged, for a reason in one line."""
    logger.info("nothing is judged in the photo: %s", reason)
    report = {"people": 0, "left_out": reason, "rows": [], "gains": []}
    return Judged(pd.DataFrame(), report, None)


class PhotoJudges:
    """Collects completed photos, and judges them all together."""

    def __init__(
        self,
        faces: Sequence[HiddenFace],
        others: NDArray[np.uint8],
        identify: Describe | None,
        resamples: int,
        seed: int,
    ) -> None:
        """Cut the true faces out of their photos, and load the networks that judge.

        Args:
            faces: What is completed, one at least.
            others: Crops of intact photos of other people, uint8 (M, 128, 128, 3), to
                judge by how real completions look.
            identify: Gives descriptors that people are told apart by; None leaves
                identity out.
            resamples: Bootstrap resamples behind each interval.
            seed: Of all draws.

        Raises:
            DataError: If there is no face.
            ModelError: If the networks are there, but damaged or of another version.
        """
        if not faces:
            raise DataError("no face to judge completions of in the photo")
        self._faces, self._others = faces, others
        self._identify = identify
        self._resamples, self._seed = resamples, seed
        self._truth = np.empty((len(faces), CROP, CROP, 3), np.uint8)
        self._masks = np.empty((len(faces), CROP, CROP), np.bool_)
        for index, face in enumerate(faces):
            photo = face.photo
            self._truth[index] = face.crop(photo)
            self._masks[index] = face.mask(photo.shape)
        self._crops: dict[str, NDArray[np.uint8]] = {}
        self._left_out = perceptual.missing()
        names = () if self._left_out else get_args(Judge)
        self._networks = {name: perceptual.PerceptualNetwork(name) for name in names}

    def add(self, method: str, photos: Iterable[Pixels]) -> None:
        """Take what a method has made of each photo; only the crops are kept.

        Args:
            method: Its name.
            photos: Completed photos in the order of the faces.
        """
        pairs = zip(self._faces, photos, strict=True)
        self._crops[method] = np.stack([face.crop(photo) for face, photo in pairs])

    def add_all(self, photos: Iterable[Filled]) -> None:
        """Take what several methods have made of each photo, by method."""
        crops: dict[str, list[Pixels]] = {}
        for face, made in zip(self._faces, photos, strict=True):
            for method, photo in made.items():
                crops.setdefault(method, []).append(face.crop(photo))
        self._crops |= {method: np.stack(each) for method, each in crops.items()}

    def judge(self, ours: str) -> Judged:
        """Measure everything that was taken.

        Args:
            ours: Method that the others are compared with.

        Returns:
            The report has ``people``, ``others``, ``left_out`` (in a line, or empty),
            ``rows`` of methods with averages and 95 % intervals (``_low``, ``_high``),
            and ``gains``: ours less each other, face by face.
        """
        if self._left_out:
            logger.warning(
                "not judged by LPIPS, Frechet distance, P-IDS and U-IDS: %s",
                self._left_out,
            )
        distances, descriptors = {}, {}
        for name, network in self._networks.items():
            found = self._compared(network)
            distances[f"lpips_{name}"], descriptors[name] = found
        table = pd.DataFrame(self._rows(distances))
        rows = self._summary(table)
        if "vgg16" in descriptors:
            self._add_realism(rows, descriptors["vgg16"])
        report = {
            "people": len(self._faces),
            "others": len(self._others),
            "crop": CROP,
            "left_out": self._left_out,
            "rows": rows,
            "gains": self._gains(table, ours),
        }
        return Judged(table, report, self._sheet())

    def _compared(
        self, network: perceptual.PerceptualNetwork
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Distances (faces, methods), and descriptors (faces, 1 + methods, channels).

        The first descriptor of each face is that of the truth.
        """
        distances, descriptors = [], []
        with progress(len(self._faces), "judging", "faces") as advance:
            for index, truth in enumerate(self._truth):
                made = [crops[index] for crops in self._crops.values()]
                found = network.compare(truth, np.stack([truth, *made]))
                distances.append(found.distances[1:])
                descriptors.append(found.descriptors)
                advance(1)
        return np.stack(distances), np.stack(descriptors)

    def _rows(
        self, distances: dict[str, NDArray[np.float64]]
    ) -> Iterator[dict[str, Any]]:
        identities = self._identities()
        for place, (method, crops) in enumerate(self._crops.items()):
            for index, face in enumerate(self._faces):
                truth, mask = self._truth[index], self._masks[index]
                row = {
                    "mask": PHOTO,
                    "method": method,
                    "id": face.aligned.face_id,
                    "hole_psnr": hole_psnr(truth, crops[index], mask),
                    "detail": detail_ratio(truth, crops[index], mask),
                }
                if identities is not None:
                    row["identity"] = identities[place, index]
                yield row | {
                    name: values[index, place] for name, values in distances.items()
                }

    def _identities(self) -> NDArray[np.float64] | None:
        """Distances of descriptors, (methods, faces)."""
        if self._identify is None:
            return None
        pictures = np.concatenate([self._truth, *self._crops.values()])
        described = self._identify(pictures)
        described = described.reshape(-1, len(self._faces), described.shape[-1])
        return np.asarray(np.linalg.norm(described[1:] - described[0], axis=-1))

    def _summary(self, table: pd.DataFrame) -> list[dict[str, Any]]:
        rows = []
        for method, part in table.groupby("method", sort=False):
            row: dict[str, Any] = {"mask": PHOTO, "method": method}
            for name in _measured(table):
                row |= self._bounded(name, part[name].to_numpy(np.float64))
            rows.append(row)
        return rows

    def _gains(self, table: pd.DataFrame, ours: str) -> list[dict[str, Any]]:
        parts = dict(iter(table.groupby("method", sort=False)))
        gains = []
        for method, part in parts.items():
            if method == ours or ours not in parts:
                continue
            gain: dict[str, Any] = {"mask": PHOTO, "method": method}
            for name in _measured(table):
                pair = (parts[ours], part)
                gain |= self._bounded(name, *(each[name].to_numpy() for each in pair))
            gains.append(gain)
        return gains

    def _bounded(
        self, name: str, values: NDArray[np.float64], less: Any = None
    ) -> dict[str, float]:
        """Average with its interval, less that of another method on the same faces."""
        average = AVERAGES[name]
        sides = [values] if less is None else [values, less]
        is_finite = np.isfinite(np.stack(sides)).all(axis=0)
        if not is_finite.any():
            return {}
        finite = [side[is_finite] for side in sides]
        found = float(average(finite[0])) - sum(float(average(x)) for x in finite[1:])
        if average is np.mean:
            difference = finite[0] - sum(finite[1:])
            low, high = bootstrap_interval(difference, self._resamples, self._seed)
        else:
            # The difference of two medians is not the median of the differences.
            rows = resampled(int(is_finite.sum()), self._resamples, self._seed)
            drawn = [average(side[rows], axis=1) for side in finite]
            low, high = interval_of(drawn[0] - sum(drawn[1:]))
        return {name: found, f"{name}_low": low, f"{name}_high": high}

    def _add_realism(
        self, rows: list[dict[str, Any]], descriptors: NDArray[np.float64]
    ) -> None:
        """Add what descriptors say, (faces, 1 + methods, channels)."""
        if min(len(self._faces), len(self._others)) < LEAST_FACES:
            logger.info(
                "fewer than %d people and as many others: no Frechet distance, P-IDS "
                "and U-IDS in the photo",
                LEAST_FACES,
            )
            return
        others = self._networks["vgg16"].describe(self._others)
        realism = Realism(descriptors[:, 0], others, self._resamples, self._seed)
        for place, row in enumerate(rows, start=1):
            row.update(realism.of(descriptors[:, place]))

    def _sheet(self) -> NDArray[np.uint8]:
        chosen = np.linspace(0, len(self._faces) - 1, NUM_PICTURED).astype(int)
        columns = sorted(set(chosen.tolist()))
        holed = np.where(self._masks[..., None], self._truth, np.uint8(HOLE_GREY))
        pictures = {"known": holed, **self._crops, "truth": self._truth}
        return labelled_rows(
            {
                name: [crops[column] for column in columns]
                for name, crops in pictures.items()
            }
        )


def _measured(table: pd.DataFrame) -> list[str]:
    return [name for name in AVERAGES if name in table.columns]
