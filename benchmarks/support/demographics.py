r"""Groups of people by the names of UTKFace, and how a measure differs between them.

Synopsis::

    person_of("31_1_2_20170116.jpg")  # Person(age="30 to 44", sex="women", ...)
    rows = summary(table, plain)
    print(*lines(rows), sep="\n")
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import ttest_ind

from facefill.evaluation.bootstrap import bootstrap_interval

RESAMPLES, SEED, CONFIDENCE = 2000, 1, 0.95
BANDS = ((0, 30), (30, 45), (45, 60), (60, 200))
SEXES = ("men", "women")
ORIGINS = ("white", "black", "Asian", "Indian", "other")
KINDS = ("age", "sex", "origin")
MEASURES = {
    "hole_psnr": "PSNR over the hole, dB",
    "lpips_vgg16": "LPIPS, VGG16",
    "lpips_alexnet": "LPIPS, AlexNet",
    "identity": "identity distance",
}


class Person(NamedTuple):
    """Groups of a person, by the name of a photo."""

    age: str
    sex: str
    origin: str


def person_of(name: str) -> Person | None:
    """Read the groups out of a file's name; None if they are not in it."""
    parts = name.split("_")
    if len(parts) < 4 or not all(part.isdigit() for part in parts[:3]):
        return None
    age, sex, origin = map(int, parts[:3])
    if sex >= len(SEXES) or origin >= len(ORIGINS):
        return None
    low, high = next(band for band in BANDS if band[0] <= age < band[1])
    if low == 0:
        band = f"under {high}"
    else:
        band = f"{low} to {high - 1}" if high < BANDS[-1][1] else f"{low} and older"
    return Person(band, SEXES[sex], ORIGINS[origin])


def summary(ours: pd.DataFrame, plain: "pd.Series[float]") -> list[dict[str, Any]]:
    """Average the measures over every group, and tell it from all others.

    Args:
        ours: A row a person: ``id``, some of ``MEASURES``, and the groups, ``KINDS``.
        plain: PSNR of plain inpainting of the same people, by ``id``.

    Returns:
        Rows of everybody and of each group: ``kind``, ``group``, ``people``, and of
        each measure its mean, ``_interval``, what it is ``_apart`` from that of all
        others, ``_apart_interval``, and whether that ``_holds`` among all comparisons.
    """
    names = [name for name in MEASURES if name in ours.columns]
    groups = [(kind, group) for kind in KINDS for group in sorted(set(ours[kind]))]
    rows = []
    for kind, group in [("", "everybody"), *groups]:
        inside = ours[kind] == group if kind else pd.Series(True, index=ours.index)
        row: dict[str, Any] = {"kind": kind, "group": group, "people": inside.sum()}
        for name in names:
            values = ours[name].to_numpy(np.float64)
            row |= _described(name, values, inside.to_numpy(), len(groups))
        row["telea_hole_psnr"] = float(plain.loc[ours["id"][inside]].mean())
        rows.append(row)
    return rows


def _described(
    name: str, values: np.ndarray, inside: np.ndarray, comparisons: int
) -> dict[str, Any]:
    low, high = bootstrap_interval(values[inside], RESAMPLES, SEED)
    described = {name: values[inside].mean(), f"{name}_interval": [low, high]}
    if inside.all():
        return described
    test = ttest_ind(values[inside], values[~inside], equal_var=False)
    bounds = test.confidence_interval(CONFIDENCE)
    return described | {
        f"{name}_apart": values[inside].mean() - values[~inside].mean(),
        f"{name}_apart_interval": [float(bounds.low), float(bounds.high)],
        f"{name}_holds": bool(test.pvalue * comparisons < 1.0 - CONFIDENCE),
    }


def lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Lay the groups out as two tables of Markdown: means, and differences."""
    names = [name for name in MEASURES if name in rows[0]]
    titles = [MEASURES[name] for name in names]
    yield "| group | people | " + " | ".join(titles) + " | PSNR of Telea |"
    yield "|---" * (len(names) + 3) + "|"
    for row in rows:
        cells = [_cell(row[name], row[f"{name}_interval"], name) for name in names]
        cells.append(f"{row['telea_hole_psnr']:.1f}")
        yield f"| {row['group']} | {row['people']} | " + " | ".join(cells) + " |"
    yield "\n| group less all others | " + " | ".join(titles) + " |"
    yield "|---" * (len(names) + 1) + "|"
    for row in rows[1:]:
        cells = [
            _cell(row[f"{name}_apart"], row[f"{name}_apart_interval"], name)
            + ("*" if row[f"{name}_holds"] else "")
            for name in names
        ]
        yield f"| {row['group']} | " + " | ".join(cells) + " |"


def _cell(value: float, interval: list[float], name: str) -> str:
    digits = 1 if name == "hole_psnr" else 3
    low, high = interval
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
