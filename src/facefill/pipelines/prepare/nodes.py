"""Nodes of the pipeline ``prepare``; what they call is imported when they run."""

from pathlib import Path
from typing import Any

from facefill.parameters import (
    AlignOptions,
    CompleteOptions,
    FlattenOptions,
    IngestOptions,
    PrepareOptions,
)
from facefill.pipelines.annotations import DataFrame, FaceSet


def ingest_photos(
    photos: Path, records: Path, options: IngestOptions, align: AlignOptions
) -> tuple[Path, DataFrame]:
    """List every file under the folder of photos, with its status.

    Returns:
        The folder of the records, and a row for each file.
    """
    from facefill.preparation.ingestion import ingest
    from facefill.runtime.parallel import chunk_mapper
    from facefill.runtime.result_cache import ResultCache

    map_chunks = chunk_mapper(align.workers, align.cluster, align.timeout_s)
    table = ingest(photos, ResultCache(records), options, align, map_chunks)
    return records, table


def align_faces(
    photos: Path,
    manifest: DataFrame,
    faces: Path,
    records: Path,
    options: AlignOptions,
    image_size: int,
) -> tuple[Path, Path, DataFrame]:
    """Crop the faces of every photo, in as many processes as asked.

    Returns:
        The folder of the faces, that of the records, and a row for each photo.
    """
    from facefill.preparation.align_worker import AlignJob
    from facefill.preparation.alignment import align_photos
    from facefill.runtime.parallel import chunk_mapper
    from facefill.runtime.result_cache import ResultCache

    job = AlignJob(photos, faces, image_size, options)
    map_chunks = chunk_mapper(options.workers, options.cluster, options.timeout_s)
    table = align_photos(manifest, job, ResultCache(records), map_chunks)
    return faces, records, table


def align_damaged_faces(  # noqa: PLR0913  # what an alignment needs, by name
    *,
    photos: Path,
    manifest: DataFrame,
    holes: DataFrame,
    mask_files: Path,
    hints: Path,
    faces: Path,
    records: Path,
    options: AlignOptions,
    completing: CompleteOptions,
    limits: IngestOptions,
    image_size: int,
) -> tuple[Path, Path, DataFrame]:
    """Crop the faces of photos that have holes, by their known pixels alone.

    Returns:
        The folder of the faces, that of the records, and a row for each photo.
    """
    from facefill.imaging.holes import hole_reader
    from facefill.preparation.align_worker import AlignJob, Damage
    from facefill.preparation.alignment import align_photos
    from facefill.runtime.parallel import chunk_mapper
    from facefill.runtime.result_cache import ResultCache

    damage = Damage(mask_files, hints, hole_reader(completing, limits))
    job = AlignJob(photos, faces, image_size, options, damage)
    map_chunks = chunk_mapper(options.workers, options.cluster, options.timeout_s)
    table = align_photos(manifest, job, ResultCache(records), map_chunks, holes)
    return faces, records, table


def select_faces(
    photos: DataFrame,
    alignment: DataFrame,
    aligned: Path,
    options: PrepareOptions,
    flattening: FlattenOptions,
    seed: int,
) -> DataFrame:
    """Find duplicates, and split the faces by person."""
    from facefill.preparation import selection

    return selection.select_faces(
        photos, alignment, aligned, options, flattening.held_out_fraction, seed
    )


def flatten_faces(
    aligned: Path,
    selection: DataFrame,
    faces: Path,
    image_size: int,
) -> tuple[Path, FaceSet]:
    """Copy every selected face into one folder and one array.

    Returns:
        The flat folder, and the training set.
    """
    from facefill.preparation.flattening import flatten

    return faces, flatten(aligned, selection, faces, image_size)


def report_preparation(
    manifest: DataFrame, aligned: DataFrame, selection: DataFrame
) -> dict[str, Any]:
    """Count the files by outcome."""
    from facefill.preparation.report import report

    return report(manifest, aligned, selection)


def draw_preparation(
    alignment: DataFrame, photos: Path, faces: Path, limits: IngestOptions
) -> dict[str, Any]:
    """Draw sample faces, mean faces before and after alignment, and outcomes."""
    from facefill.preparation import figures

    return figures.draw_preparation(alignment, photos, faces, limits)
