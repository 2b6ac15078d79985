"""Nodes of the pipeline ``prepare``; what they call is imported when they run."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from facefill.parameters import (
    AlignOptions,
    FlattenOptions,
    IngestOptions,
    PrepareOptions,
)

if TYPE_CHECKING:
    from pandas import DataFrame

    from facefill.preparation.face_set import FaceSet
else:
    # Kedro resolves annotations when it starts; pandas would take it a second.
    DataFrame = FaceSet = Any


def ingest_photos(
    photos: Path, records: Path, options: IngestOptions, align: AlignOptions
) -> DataFrame:
    """List every file under the folder of photos, with what it is."""
    from facefill.preparation.ingestion import ingest
    from facefill.runtime.parallel import chunk_mapper
    from facefill.runtime.result_cache import ResultCache

    map_chunks = chunk_mapper(align.workers, align.cluster, align.timeout_s)
    return ingest(photos, ResultCache(records), options, align, map_chunks)


def align_faces(
    photos: Path,
    manifest: DataFrame,
    faces: Path,
    records: Path,
    options: AlignOptions,
    image_size: int,
) -> DataFrame:
    """Cut the faces out of every photo, in as many processes as asked."""
    from facefill.preparation.align_worker import AlignJob
    from facefill.preparation.alignment import align_photos
    from facefill.runtime.parallel import chunk_mapper
    from facefill.runtime.result_cache import ResultCache

    job = AlignJob(photos, faces, image_size, options)
    map_chunks = chunk_mapper(options.workers, options.cluster, options.timeout_s)
    return align_photos(manifest, job, ResultCache(records), map_chunks)


def select_faces(
    photos: DataFrame,
    alignment: DataFrame,
    aligned: Path,
    options: PrepareOptions,
    flattening: FlattenOptions,
    seed: int,
) -> DataFrame:
    """Look for duplicates, and split the faces by person."""
    from facefill.preparation import selection

    return selection.select_faces(
        photos, alignment, aligned, options, flattening.held_out_fraction, seed
    )


def flatten_faces(
    aligned: Path,
    selection: DataFrame,
    faces: Path,
    image_size: int,
) -> FaceSet:
    """Put every selected face into one folder and one array."""
    from facefill.preparation.flattening import flatten

    return flatten(aligned, selection, faces, image_size)


def report_preparation(
    manifest: DataFrame, aligned: DataFrame, selection: DataFrame
) -> dict[str, Any]:
    """Sum up what became of every file."""
    from facefill.preparation.report import report

    return report(manifest, aligned, selection)


def draw_preparation(
    alignment: DataFrame, photos: Path, faces: Path, limits: IngestOptions
) -> dict[str, Any]:
    """Picture some faces, their mean before and after, and what became of files."""
    from facefill.preparation import figures

    return figures.draw_preparation(alignment, photos, faces, limits)
