"""Samples of a trained generator, a latent walk, and latent arithmetic.

The walk and the arithmetic are those of Radford et al. 2016 (arXiv 1511.06434,
sections 6.1 and 6.3.2): interpolation between latents, and sums of the means of
three latents an idea.
"""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from facefill.errors import ModelError
from facefill.imaging.pictures import encode_gif, grid, read_png
from facefill.models.generation import generate
from facefill.parameters import ArithmeticOptions, SampleOptions
from facefill.runtime.rng import Purpose, keyed_rng, uniform_latents


def draw_samples(
    generator: keras.Model,
    grids: Sequence[Path],
    options: SampleOptions,
    image_size: int,
    seed: int,
) -> dict[str, np.ndarray | bytes]:
    """Generate every picture of the pipeline ``sample``.

    Args:
        generator: G.
        grids: Files of pictures of the training's fixed latents, oldest first; may be
            none.
        options: Number of samples, and the latents of the arithmetic.
        image_size: Image size of the project, which the model must match.
        seed: Seed of the latents.

    Returns:
        Pictures (uint8) and GIFs (bytes) by file name: ``grid.png``,
        ``single/000.png`` and so on, ``walk.gif``, ``arithmetic.png`` and, if
        there are grids, ``training.gif``.

    Raises:
        ModelError: If the model is of another image size.
    """
    if generator.output_shape[1] != image_size:
        raise ModelError(
            f"the generator makes pictures of {generator.output_shape[1]} pixels, but "
            f"image_size is {image_size}; set it back, or train anew"
        )
    latent_size = generator.input_shape[1]
    rng = keyed_rng(seed, Purpose.SAMPLES)
    latents = uniform_latents(rng, options.count, latent_size)
    singles = generate(generator, latents)
    pictures: dict[str, np.ndarray | bytes] = {
        "grid.png": grid(singles),
        "arithmetic.png": arithmetic_sheet(generator, latents, options.arithmetic),
    }
    for number, picture in enumerate(singles):
        pictures[f"single/{number:03d}.png"] = picture
    rng = keyed_rng(seed, Purpose.WALK)
    stops = uniform_latents(rng, options.walk_stops, latent_size)
    frames = generate(generator, walk(stops, options.walk_frames))
    pictures["walk.gif"] = encode_gif(frames, options.frames_per_second)
    if grids:
        film = np.stack([read_png(path) for path in grids])
        pictures["training.gif"] = encode_gif(film, options.frames_per_second)
    return pictures


def walk(stops: np.ndarray, frames: int) -> np.ndarray:
    """Latents on straight lines from stop to stop and back to the first.

    Args:
        stops: Latents, (num_stops, latent_size).
        frames: Number of frames from one stop to the next.

    Returns:
        (num_stops * frames, latent_size); frame ``k * frames`` is stop ``k``.
    """
    fractions = np.arange(frames)[:, None] / frames
    following = np.roll(stops, -1, axis=0)
    legs = [
        (1.0 - fractions) * begin + fractions * end
        for begin, end in zip(stops, following, strict=True)
    ]
    return np.concatenate(legs).astype(np.float32)


def arithmetic_sheet(
    generator: keras.Model, latents: np.ndarray, options: ArithmeticOptions
) -> np.ndarray:
    """Picture of start - subtract + add, with the samples that it is made of.

    Returns:
        Three rows, one an idea: its three samples, then their mean. The last
        picture of a fourth row is the result; it is at the right, below the means.
    """
    ideas = [
        latents[list(numbers)]
        for numbers in (options.start, options.subtract, options.add)
    ]
    means = np.stack([idea.mean(axis=0) for idea in ideas])
    result = np.clip(means[0] - means[1] + means[2], -1.0, 1.0)
    rows = [
        np.concatenate([idea, mean[None]])
        for idea, mean in zip(ideas, means, strict=True)
    ]
    pictures = generate(generator, np.concatenate([*rows, result[None]]))
    white = np.full_like(pictures[0], 255)
    return grid(
        np.stack([*pictures[:-1], white, white, white, pictures[-1]]), columns=4
    )
