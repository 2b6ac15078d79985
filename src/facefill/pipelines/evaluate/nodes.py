"""Nodes of the pipeline ``evaluate``; what they call is imported when they run."""

import logging
from pathlib import Path
from typing import Any

from facefill.parameters import AlignOptions, CompleteOptions, EvaluateOptions
from facefill.pipelines.annotations import DataFrame, FacePca, FaceSet, Model
from facefill.runtime.tracking import Tracker

log = logging.getLogger(__name__)


def evaluate_completion(  # noqa: PLR0913  # what an evaluation needs, by name
    *,
    training_set: FaceSet,
    generator: Model,
    discriminator: Model,
    statistics: FacePca | None,
    records: Path,
    options: EvaluateOptions,
    completion: CompleteOptions,
    alignment: AlignOptions,
    lam: float,
    seed: int,
) -> tuple[Path, DataFrame, dict[str, Any], dict[str, Any]]:
    """Complete held-out faces under every mask, by every method.

    Returns:
        The folder of the records, a row for each mask, method and face, the report,
        and figures by file name: those of the last time if nothing has changed since.
    """
    from facefill.evaluation.completions import Evaluation, every_row, hold_out, report
    from facefill.evaluation.identity import Identify
    from facefill.evaluation.kept import key_of_evaluation, pack, unpack
    from facefill.evaluation.presentation import chosen_metrics, figures
    from facefill.inversion.masking import MaskMaker
    from facefill.inversion.search import LatentSearch
    from facefill.models.sources import describe
    from facefill.runtime.remembered import Remembered

    networks = generator, discriminator
    settings = options, completion, alignment
    key = key_of_evaluation(training_set, networks, statistics, settings, (lam, seed))
    result = Remembered(records, key)
    if kept := result.load():
        log.info("the evaluation is that of the last time: nothing has changed")
        table, summary, pictures = unpack(kept)
        with Tracker() as tracker:
            tracker.metrics(chosen_metrics(summary["rows"]))
        return records, table, summary, pictures
    searches = {
        name: LatentSearch(generator, discriminator, chosen, lam, seed, statistics)
        for name, chosen in completion.compared(options.methods).items()
    }
    is_face = options.identity and alignment.method == "openface"
    evaluation = Evaluation(
        hold_out(training_set, options.count, seed),
        options,
        searches,
        Identify(alignment.landmarks) if is_face else None,
        seed,
    )
    masks = [MaskMaker(mask, completion, seed) for mask in options.masks]
    scores = list(evaluation.run(masks))
    summary = report(scores, options.resamples, seed) | {"model": describe(generator)}
    with Tracker() as tracker:
        tracker.metrics(chosen_metrics(summary["rows"]))
    made = every_row(scores), summary, figures(scores, summary["rows"])
    result.save(pack(*made))
    return records, *made
