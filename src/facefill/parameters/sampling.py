"""Parameters of the pictures sampled from the generator."""

from typing import Annotated

from pydantic import Field

from facefill.parameters.blocks import Block, Positive

SampleNumbers = Annotated[
    list[Annotated[int, Field(ge=0)]], Field(min_length=3, max_length=3)
]


class ArithmeticOptions(Block):
    """Latent arithmetic: start - subtract + add, each the mean of three samples.

    Attributes:
        start: Numbers of three single samples.
        subtract: Numbers of the three to take away.
        add: Numbers of the three to add.
    """

    start: SampleNumbers = [0, 1, 2]
    subtract: SampleNumbers = [3, 4, 5]
    add: SampleNumbers = [6, 7, 8]


class SampleOptions(Block):
    """Pictures sampled from the generator.

    Attributes:
        count: Single samples, and pictures in the grid.
        walk_stops: Latents that the walk visits, returning to the first.
        walk_frames: Frames between two stops.
        frames_per_second: Frame rate of every animation.
        arithmetic: Which samples the latent arithmetic takes.
    """

    count: Positive = 64
    walk_stops: Annotated[int, Field(ge=2)] = 9
    walk_frames: Positive = 16
    frames_per_second: Annotated[float, Field(gt=0.0, le=50.0)] = 12.5
    arithmetic: ArithmeticOptions = ArithmeticOptions()
