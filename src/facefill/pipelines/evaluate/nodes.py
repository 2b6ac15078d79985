"""Nodes of the pipeline ``evaluate``; what they call is imported when they run."""

from typing import TYPE_CHECKING, Any

from facefill.parameters import CompleteOptions, EvaluateOptions
from facefill.tracking import Tracker

if TYPE_CHECKING:
    from keras import Model

    from facefill.face_sets import FaceSet
else:
    # Kedro resolves annotations when it starts, which must not import Keras.
    FaceSet = Model = Any


def evaluate_completion(  # noqa: PLR0913  # what an evaluation needs, by name
    *,
    training_set: FaceSet,
    generator: Model,
    discriminator: Model,
    options: EvaluateOptions,
    completion: CompleteOptions,
    lam: float,
    seed: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Complete held-out faces under every mask, by every method.

    Returns:
        The report, and figures by file name.
    """
    from facefill.completion import Search
    from facefill.evaluation import METRICS, hold_out, report, score
    from facefill.figures import score_bars
    from facefill.masking import MaskMaker
    from facefill.model_choice import describe

    scores = score(
        hold_out(training_set, options.count, seed),
        [MaskMaker(mask, completion, seed) for mask in options.masks],
        Search(generator, discriminator, completion, lam, seed),
    )
    table = report(scores) | {"model": describe(generator)}
    with Tracker() as tracker:
        for row in table["rows"]:
            # MLflow's pages make a section of what stands before the last slash.
            prefix = f"evaluate/{row['mask']}/{row['method']}"
            tracker.metrics({f"{prefix}_{name}": row[name] for name in METRICS})
    figures = {f"{one.mask}.png": one.sheet for one in scores}
    return table, figures | {"hole_psnr.png": score_bars(table["rows"])}
