"""Parameters of the evaluation on held-out faces."""

from typing import Annotated

from pydantic import Field

from facefill.parameters.blocks import Block, Positive
from facefill.parameters.choices import HoleName, MethodName


class EvaluateOptions(Block):
    """Held-out faces that are completed, their masks, and the methods compared.

    Attributes:
        count: Faces, the same for every mask; fewer if fewer are held out.
        masks: Masks of the faces.
        methods: What to compare. ``default`` is the search as ``complete`` sets it,
            ``reference`` the same with the preset of that name.
        identity: Whether to measure how far a completed face is from the true one
            as dlib tells people apart; 0.1 s of CPU a face and method.
        photos: Held-out faces whose whole photos are completed and judged in the
            photo; 0 judges none.
        resamples: Bootstrap resamples behind each confidence interval.
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
        "denoise",
        "colorize",
    ]
    methods: Annotated[list[MethodName], Field(min_length=1)] = [
        "mean_face",
        "nearest_face",
        "telea",
        "navier_stokes",
        "biharmonic",
        "pca",
        "default",
    ]
    identity: bool = True
    photos: Annotated[int, Field(ge=0)] = 32
    resamples: Annotated[int, Field(ge=100, le=100_000)] = 1000
