"""Nodes of the pipeline ``evaluate``; what they call is imported when they run."""

import logging
from pathlib import Path
from typing import Any

from facefill.parameters import (
    AlignOptions,
    CompleteOptions,
    EvaluateOptions,
    IngestOptions,
    TrainOptions,
)
from facefill.pipelines.annotations import (
    DataFrame,
    FacePca,
    FaceSet,
    Model,
    Pictures,
)
from facefill.runtime.tracking import Tracker

log = logging.getLogger(__name__)


def evaluate_completion(  # noqa: PLR0913  # what an evaluation needs, by name
    *,
    photos: Path,
    limits: IngestOptions,
    training_set: FaceSet,
    generator: Model,
    discriminator: Model,
    statistics: FacePca | None,
    encoder: Path,
    refiner: Path,
    records: Path,
    options: EvaluateOptions,
    completion: CompleteOptions,
    alignment: AlignOptions,
    lam: float,
    seed: int,
) -> tuple[Path, DataFrame, dict[str, Any], dict[str, Any]]:
    """Complete held-out faces under every mask, and photos of some, by every method.

    Returns:
        The folder of the records, a row for each mask, method and face, the report,
        and figures by file name: those of the last time if nothing has changed since.
    """
    from facefill.evaluation.completions import Evaluation, every_row, hold_out, report
    from facefill.evaluation.hidden_faces import PhotoFinder
    from facefill.evaluation.identity import identification
    from facefill.evaluation.kept import key_of_evaluation, pack, unpack
    from facefill.evaluation.photo_evaluation import evaluate_in_photos
    from facefill.evaluation.presentation import figures
    from facefill.evaluation.seen_faces import describe_model, reported_side
    from facefill.inversion.masking import MaskMaker
    from facefill.inversion.search import LatentSearch
    from facefill.models.companions import read_companions
    from facefill.runtime.remembered import Remembered

    networks = generator, discriminator
    companions = read_companions(statistics, encoder, refiner)
    settings = options, completion, alignment, limits
    side = reported_side(training_set, options.count, generator, companions)
    whose = lam, seed, side
    centre = MaskMaker("center", completion, seed)
    finder = PhotoFinder(training_set, photos, alignment, centre, limits)
    there = finder.present(side, options.photos, seed)
    key = key_of_evaluation(training_set, networks, companions, settings, whose, there)
    result = Remembered(records, key)
    if kept := result.load():
        log.info("the evaluation is that of the last time: nothing has changed")
        table, summary, pictures = unpack(kept)
        _tell(summary)
        return records, table, summary, pictures
    searches = {
        name: LatentSearch(*networks, chosen, lam, seed, companions)
        for name, chosen in completion.compared(options.methods).items()
    }
    identify = identification(options, alignment)
    held_out = hold_out(training_set, options.count, seed, side)
    in_photo = evaluate_in_photos(finder, options, searches, identify, seed, side)
    evaluation = Evaluation(held_out, options, searches, identify, seed)
    makers = [MaskMaker(mask, completion, seed) for mask in options.masks]
    scores = list(evaluation.run(makers))
    summary = report(scores, options.resamples, seed) | {"in_photo": in_photo.report}
    summary |= {"side": side} | describe_model(generator, held_out.faces)
    _tell(summary)
    drawn = figures(scores, summary["rows"]) | in_photo.figures()
    made = every_row(scores, in_photo.table), summary, drawn
    result.save(pack(*made))
    return records, *made


def _tell(summary: dict[str, Any]) -> None:
    """Send the chosen metrics to MLflow, and warn of faces that the model knows."""
    from facefill.evaluation.presentation import chosen_metrics, every_mean
    from facefill.evaluation.seen_faces import warn_of_seen

    warn_of_seen(summary)
    with Tracker() as tracker:
        tracker.metrics(chosen_metrics(every_mean(summary)))


def write_html_report(  # noqa: PLR0913  # what a project has, by name
    *,
    evaluation: dict[str, Any],
    figures: Pictures,
    training: dict[str, Any],
    samples: Pictures,
    table: DataFrame,
    completions: Path,
    photos: Path,
    training_set: FaceSet,
    alignment: AlignOptions,
    options: EvaluateOptions,
    completion: CompleteOptions,
    train: TrainOptions,
    image_size: int,
    lam: float,
    seed: int,
) -> str:
    """Put all that there is into one HTML file.

    Returns:
        Its text.
    """
    from facefill.evaluation.html_report import Results, html_report
    from facefill.preparation.face_set import fingerprint

    results = Results(
        evaluation, figures, training, samples, table, completions, photos
    )
    numbers = {"lam": lam, "seed": seed, "image_size": image_size}
    blocks = {
        "complete": completion,
        "evaluate": options,
        "align": alignment,
        "train": train,
    }
    parameters = numbers | {
        name: block.model_dump(mode="json") for name, block in blocks.items()
    }
    hashes = {"training set (64 faces of it)": fingerprint(training_set.images)}
    return html_report(results, parameters, hashes)
