"""Nodes of the pipeline ``complete``; what they call is imported when they run."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from facefill.parameters import CompleteOptions, IngestOptions, MaskName
from facefill.runtime.tracking import Tracker

if TYPE_CHECKING:
    from keras import Model
    from pandas import DataFrame

    from facefill.models.face_pca import FacePca
else:
    # Kedro resolves annotations when it starts, which must not import Keras.
    DataFrame = FacePca = Model = Any

_ITERATIONS_BETWEEN_POINTS = 10


def plan_completion(  # noqa: PLR0913  # what a plan needs, by name
    *,
    alignment: DataFrame,
    mask_files: Path,
    faces: Path,
    options: CompleteOptions,
    mask: MaskName,
    image_size: int,
    seed: int,
) -> tuple[DataFrame, dict[str, Any]]:
    """Say what is to be completed of each photo, before any search.

    Returns:
        The alignment with a mask or a problem for each photo, and a sheet of them.
    """
    from facefill.completion.inputs import TaskReader
    from facefill.completion.plan import plan
    from facefill.inversion.masking import MaskMaker

    maker = MaskMaker(mask, options, seed)
    reader = TaskReader(faces, mask_files, maker, image_size)
    planned, sheet = plan(alignment, reader, image_size)
    return planned, {"preview.png": sheet}


def complete_photos(  # noqa: PLR0913  # what a completion needs, by name
    *,
    alignment: DataFrame,
    photos: Path,
    mask_files: Path,
    faces: Path,
    output: Path,
    records: Path,
    generator: Model,
    discriminator: Model,
    statistics: FacePca | None,
    options: CompleteOptions,
    limits: IngestOptions,
    mask: MaskName,
    lam: float,
    seed: int,
) -> tuple[DataFrame, dict[str, Any], dict[str, Any]]:
    """Complete every photo whose face was found, finished ones left as they are.

    Returns:
        A row a photo, grids with the animation, and the report.
    """
    from facefill.completion.dispatch import SECONDS_A_BATCH
    from facefill.completion.inputs import Folders
    from facefill.completion.restore import report, restore
    from facefill.completion.uncertainty import COLUMNS
    from facefill.inversion.masking import MaskMaker
    from facefill.inversion.search import LatentSearch
    from facefill.models.sources import describe
    from facefill.runtime.parallel import chunk_mapper

    map_chunks = None
    if options.cluster is not None:
        map_chunks = chunk_mapper(None, options.cluster, SECONDS_A_BATCH)
    restored = restore(
        alignment,
        Folders(photos, mask_files, faces, output, records),
        MaskMaker(mask, options, seed),
        LatentSearch(generator, discriminator, options, lam, seed, statistics),
        limits,
        map_chunks,
    )
    with Tracker() as tracker:
        for step in range(0, options.iterations, _ITERATIONS_BETWEEN_POINTS):
            points = restored.curves.items()
            tracker.scalars(step, {f"complete/{name}": at[step] for name, at in points})
        # A point for each photo, in the table's order.
        for place, row in enumerate(restored.table[list(COLUMNS)].to_dict("records")):
            tracker.scalars(place, {f"hmc/{name}": at for name, at in row.items()})
    summary = report(restored.table) | {"model": describe(generator)}
    return restored.table, restored.pictures, summary
