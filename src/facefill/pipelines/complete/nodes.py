"""Nodes of the pipeline ``complete``; what they call is imported when they run."""

from pathlib import Path
from typing import Any

from facefill.parameters import CompleteOptions, IngestOptions, MaskName
from facefill.pipelines.annotations import DataFrame, FacePca, Model
from facefill.runtime.tracking import Tracker


def find_holes(
    manifest: DataFrame, mask_files: Path, hints: Path, options: CompleteOptions
) -> DataFrame:
    """Find the mask file and the hint of each photo.

    Returns:
        A row for each photo.
    """
    from facefill.completion.holes import find_holes as find

    photos = [str(path) for path in manifest["path"][manifest["status"] == "ok"]]
    return find(photos, mask_files, hints, options.hole_from)


def plan_completion(  # noqa: PLR0913  # what a plan needs, by name
    *,
    alignment: DataFrame,
    holes: DataFrame,
    photos: Path,
    mask_files: Path,
    faces: Path,
    options: CompleteOptions,
    limits: IngestOptions,
    mask: MaskName,
    image_size: int,
    seed: int,
) -> tuple[dict[str, Any], DataFrame]:
    """Decide the mask of each photo, before any search.

    Returns:
        A sheet of the photos and their masks, and the alignment with the mask of each
        photo, or the reason why it is not completed.
    """
    from facefill.completion.inputs import Folders, TaskReader
    from facefill.completion.plan import plan

    folders = Folders(photos, mask_files, faces)
    reader = TaskReader(folders, options, limits, seed, image_size)
    planned, sheet = plan(alignment, holes, reader, mask)
    return {"preview.png": sheet}, planned


def complete_photos(  # noqa: PLR0913  # what a completion needs, by name
    *,
    plan: DataFrame,
    photos: Path,
    mask_files: Path,
    faces: Path,
    output: Path,
    records: Path,
    generator: Model,
    discriminator: Model,
    statistics: FacePca | None,
    encoder: Path,
    refiner: Path,
    options: CompleteOptions,
    limits: IngestOptions,
    lam: float,
    seed: int,
) -> tuple[Path, Path, dict[str, Any], dict[str, Any], DataFrame]:
    """Complete every photo as planned, finished ones left as they are.

    Returns:
        The folders of the completions and of the records, grids with the animation,
        the report, and a row for each photo.
    """
    from facefill.completion.curves import report_curves
    from facefill.completion.dispatch import cluster_mapper
    from facefill.completion.gallery import show_results
    from facefill.completion.inputs import Folders, Results
    from facefill.completion.restore import report, restore
    from facefill.inversion.search import LatentSearch
    from facefill.models.companions import read_companions
    from facefill.models.sources import describe

    companions = read_companions(statistics, encoder, refiner)
    search = LatentSearch(generator, discriminator, options, lam, seed, companions)
    restored = restore(
        plan,
        Folders(photos, mask_files, faces),
        Results(output, records),
        search,
        limits,
        cluster_mapper(options.cluster),
    )
    with Tracker() as tracker:
        report_curves(
            restored.curves,
            restored.table,
            search.options.num_iterations,
            tracker.scalars,
        )
        show_results(restored.table, output, tracker)
    summary = report(restored.table) | {"model": describe(generator)}
    return output, records, restored.pictures, summary, restored.table
