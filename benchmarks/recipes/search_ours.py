"""Our search, in the graph, as the pipeline ``complete`` takes its iterations."""

from collections.abc import Callable

import numpy as np

from facefill.imaging.masks import build_mask
from facefill.inversion.descent import Descent
from facefill.inversion.gradient_rule import GradientRule
from facefill.inversion.measurement import Measurement
from facefill.inversion.objective import Objective
from facefill.models.dcgan import Architecture, build_discriminator, build_generator
from facefill.parameters import CompleteOptions
from recipes import ITERATIONS, LAM, LATENT_SIZE


def rounds_of_iterations(
    faces: np.ndarray, batch_size: int, precision: str
) -> Callable[[], object]:
    """Search for a batch of faces with a hole in the middle."""
    options = CompleteOptions.model_validate(
        {"preset": "reference", "precision": precision, "batch_size": batch_size}
    )
    networks = (
        build_generator(Architecture(), 1),
        build_discriminator(Architecture(), 1),
    )
    objective = Objective(*networks, options, LAM)
    rule = GradientRule(options, 1, objective.latent_size)
    descent = Descent(objective, rule, options)
    mask = build_mask("center", faces.shape[1])
    targets = [
        Measurement(str(number), face, mask)
        for number, face in enumerate(faces[:batch_size])
    ]
    draw = np.random.default_rng(1)
    latents = draw.uniform(-1, 1, (batch_size, LATENT_SIZE)).astype(np.float32)
    state = descent.start(latents)

    def round_of_iterations() -> None:
        descent.advance(state, targets, [0] * batch_size, range(ITERATIONS))

    return round_of_iterations
