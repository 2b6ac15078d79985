"""Preparation report: counts of files by outcome, which leave none out."""

from collections import Counter
from typing import Any

import pandas as pd


def count_reasons(table: pd.DataFrame) -> dict[str, int]:
    """Count the rejected rows of a manifest by reason, the most frequent first."""
    return dict(Counter(table[table["status"] == "rejected"]["reason"]).most_common())


def describe_reasons(table: pd.DataFrame) -> str:
    """Write the counts of reasons in a line: ``no_face 3, truncated 1``."""
    return ", ".join(f"{key} {count}" for key, count in count_reasons(table).items())


def report(
    manifest: pd.DataFrame, aligned: pd.DataFrame, selection: pd.DataFrame
) -> dict[str, Any]:
    """Sum a preparation up, so that nothing is lost silently.

    Args:
        manifest: From ``ingestion.ingest``.
        aligned: From ``align_photos``.
        selection: From ``selection.select_faces``.

    Returns:
        Counts of files: with a face aligned, and rejected by the reason of their
        largest face; of faces, and faces rejected beside an aligned one; exact
        and near duplicates with what they are of; splits; faces left out by reason.
    """
    is_aligned = aligned["status"] == "aligned"
    with_face = aligned["path"].isin(aligned["path"][is_aligned])
    num_aligned = int(aligned["path"][is_aligned].nunique())
    copies = manifest[manifest["duplicate_of"] != ""]
    near = selection[selection["duplicate"] == "near"]
    sides = selection["split"].replace("", "left_out")
    left_out = selection["reason"][selection["split"] == ""]
    return {
        "num_files": len(manifest),
        "num_aligned": num_aligned,
        "aligned_fraction": num_aligned / len(manifest),
        "num_rejected": len(manifest) - num_aligned,
        "rejected": count_reasons(aligned[~with_face].drop_duplicates("path")),
        "num_faces": int(is_aligned.sum()),
        "rejected_faces": count_reasons(aligned[with_face]),
        "num_several_faces": int(
            (aligned.drop_duplicates("path")["num_faces"] > 1).sum()
        ),
        "exact_duplicates": dict(
            zip(copies["path"], copies["duplicate_of"], strict=True)
        ),
        "near_duplicates": dict(zip(near["id"], near["duplicate_of"], strict=True)),
        "splits": dict(Counter(sides)),
        "left_out": dict(Counter(left_out).most_common()),
    }
