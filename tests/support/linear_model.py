"""A linear generator, whose posteriors are known exactly, and faces drawn from it."""

import keras
import numpy as np

from facefill.imaging.masks import build_mask
from facefill.inversion.hmc.energy import GREY_LEVELS
from facefill.inversion.latents import to_latents
from facefill.inversion.measurement import Measurement
from facefill.parameters import CompleteOptions

SIZE = 8
NOISE = 40.0
MASK = build_mask("center", SIZE)


def linear_generator():
    """A generator of two latents whose pixels are linear in them."""
    latents = keras.Input((2,))
    pixels = keras.layers.Dense(SIZE * SIZE * 3, use_bias=False, name="project")(
        latents
    )
    pictures = keras.layers.Reshape((SIZE, SIZE, 3), name="reshape")(pixels)
    generator = keras.Model(latents, pictures)
    slopes = np.random.default_rng(0).normal(0.0, 0.12, (2, SIZE * SIZE * 3))
    generator.set_weights([slopes.astype(np.float32)])
    return generator


def options(**hmc):
    changes = {"noise": NOISE, "leapfrogs": 8, "warm_up": 60, "draws": 100}
    return CompleteOptions.model_validate(
        {
            "method": "hmc",
            "batch_size": 64,
            "device": "cpu",
            "iterations_per_call": 100,
            "hmc": changes | hmc,
        }
    )


def made_faces(generator, count, seed=0):
    """Faces drawn from the model: u, G(z) in grey levels, targets with the noise."""
    draw = np.random.default_rng(seed)
    variables = draw.standard_normal((count, 2)).astype(np.float32)
    latents = np.asarray(to_latents(variables, "normal"))
    generated = (np.asarray(generator(latents, training=False)) + 1.0) * GREY_LEVELS
    noisy = generated + draw.laplace(0.0, NOISE, generated.shape)
    faces = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return (
        variables,
        generated,
        [Measurement(f"{place}.jpg", face, MASK) for place, face in enumerate(faces)],
    )
