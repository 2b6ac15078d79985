"""Parameters of masks, of the latent search, and of its evaluation."""

from typing import Annotated, Literal

from pydantic import Field

from facefill.parameters.blocks import Block, Positive

MaskName = Literal[
    "center", "random", "left", "right", "top", "bottom", "grid", "lowres", "full"
]
"""Shapes of the hole; ``full`` hides nothing (reconstruction)."""

HoleName = Literal[
    "center", "random", "left", "right", "top", "bottom", "grid", "lowres"
]
"""Shapes that hide something."""


class CompleteOptions(Block):
    """The search for the latent that fits the known pixels.

    Defaults are those of bamos/dcgan-completion.tensorflow ``complete.py``.

    Attributes:
        iterations: Steps of projected Adam.
        learning_rate: Adam's.
        beta_1: Adam's decay of the first moment.
        beta_2: Adam's decay of the second moment.
        epsilon: Adam's.
        center_scale: The centre hole spans ``[scale, 1 - scale)`` of each side.
        random_fraction: Share of pixels that the mask ``random`` hides.
        precision: ``auto`` is bfloat16 arithmetic where the hardware has it.
        device: ``auto`` is the GPU where there is one.
        batch_size: Photos searched at a time.
        iterations_per_call: Iterations in the graph between two pictures of the
            search.
        frames_per_second: Of the animation.
    """

    iterations: Positive = 1000
    learning_rate: Annotated[float, Field(gt=0.0)] = 0.01
    beta_1: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    beta_2: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.999
    epsilon: Annotated[float, Field(gt=0.0)] = 1e-8
    center_scale: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.25
    random_fraction: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.2
    precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    batch_size: Positive = 8
    iterations_per_call: Positive = 50
    frames_per_second: Annotated[float, Field(gt=0.0, le=50.0)] = 10.0


class EvaluateOptions(Block):
    """Which held-out faces are completed, under which masks.

    Attributes:
        count: Faces, the same for every mask; fewer if fewer are held out.
        masks: Shapes of the hole.
    """

    count: Positive = 32
    masks: Annotated[list[HoleName], Field(min_length=1)] = [
        "center",
        "random",
        "left",
        "right",
        "top",
        "bottom",
        "grid",
        "lowres",
    ]
