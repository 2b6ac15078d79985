"""Nodes of the pipeline ``evaluate``; what they call is imported when they run."""

from typing import TYPE_CHECKING, Any

from facefill.parameters import AlignOptions, CompleteOptions, EvaluateOptions
from facefill.runtime.tracking import Tracker

if TYPE_CHECKING:
    from keras import Model
    from pandas import DataFrame

    from facefill.models.face_pca import FacePca
    from facefill.preparation.face_set import FaceSet
else:
    # Kedro resolves annotations when it starts, which must not import Keras.
    DataFrame = FaceSet = FacePca = Model = Any

BARS = {
    "hole_psnr": "PSNR over the hole, dB (higher is better)",
    "identity": "distance from the true face as dlib sees people (lower is better)",
}


def evaluate_completion(  # noqa: PLR0913  # what an evaluation needs, by name
    *,
    training_set: FaceSet,
    generator: Model,
    discriminator: Model,
    statistics: FacePca | None,
    options: EvaluateOptions,
    completion: CompleteOptions,
    alignment: AlignOptions,
    lam: float,
    seed: int,
) -> tuple[DataFrame, dict[str, Any], dict[str, Any]]:
    """Complete held-out faces under every mask, by every method.

    Returns:
        A row for each mask, method and face, the report, and figures by file name.
    """
    from facefill.evaluation.completions import (
        METRICS,
        Evaluation,
        every_row,
        hold_out,
        report,
    )
    from facefill.evaluation.figures import score_bars
    from facefill.evaluation.identity import Identify
    from facefill.inversion.masking import MaskMaker
    from facefill.inversion.search import LatentSearch
    from facefill.models.sources import describe

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
    scores = list(
        evaluation.run([MaskMaker(mask, completion, seed) for mask in options.masks])
    )
    summary = report(scores, options.resamples, seed) | {"model": describe(generator)}
    with Tracker() as tracker:
        for row in summary["rows"]:
            # MLflow's pages make a section of what stands before the last slash.
            prefix = f"evaluate/{row['mask']}/{row['method']}"
            tracker.metrics(
                {f"{prefix}_{name}": row[name] for name in METRICS if name in row}
            )
    figures = {f"{one.mask}.png": one.sheet for one in scores}
    for name, label in BARS.items():
        figures[f"{name}.png"] = score_bars(summary["rows"], name, label)
    return every_row(scores), summary, figures
