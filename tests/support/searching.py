"""A small pair of networks, searches with it, and faces to search for."""

import numpy as np

from facefill.imaging.tasks import task_of
from facefill.inversion.measurement import Measurement
from facefill.inversion.search import LatentSearch
from facefill.models.companions import Companions
from facefill.models.dcgan import Architecture, build_discriminator, build_generator
from facefill.models.face_pca import measure
from facefill.parameters import CompleteOptions

SIZE = 16
LATENT_SIZE = 8
LAM = 0.1
STATISTICS = measure(
    np.random.default_rng(7).integers(0, 256, (20, SIZE, SIZE, 3), np.uint8),
    10,
    np.random.default_rng(0),
)

EVERYTHING = {
    "preset": "default",
    "iterations": 6,
    "bank_size": 32,
    "starts": 5,
    "candidates": 3,
    "prune_after": 2,
    "contextual": "weighted",
    "projection": "stochastic_clip",
    "learning_rate": 0.5,
}

HMC = {
    "preset": "default",
    "method": "hmc",
    "iterations": 6,
    "bank_size": 32,
    "starts": 3,
    "prune_after": 2,
    "candidates": 3,
    "hmc": {"chains": 2, "warm_up": 10, "draws": 4, "leapfrogs": 2},
}

REFERENCE_HMC = {
    "method": "hmc",
    "hmc": {"rule": "reference", "reference": {"step_size": 0.02, "leapfrogs": 3}},
}


def networks_of(width=8):
    """Networks whose batch norms have statistics of their own, as after training."""
    draw = np.random.default_rng(0)
    architecture = Architecture(SIZE, LATENT_SIZE, width, width)
    networks = (
        build_generator(architecture, seed=1),
        build_discriminator(architecture, seed=1),
    )
    for network in networks:
        network.set_weights(
            [
                weights + draw.uniform(0.0, 0.1, weights.shape)
                for weights in network.get_weights()
            ]
        )
    return networks


def options_of(**changes):
    values = {
        "preset": "reference",
        "iterations": 6,
        "iterations_per_call": 3,
        "batch_size": 4,
        "precision": "float32",
        "device": "cpu",
    }
    return CompleteOptions.model_validate(values | changes)


def search(networks, lam=LAM, **changes):
    return LatentSearch(
        *networks, options_of(**changes), lam, seed=1, companions=Companions(STATISTICS)
    )


def targets(count, *masks, seed=0, size=SIZE):
    """Measurements of random faces by each task in turn, ``center`` unless named."""
    masks = masks or ("center",)
    faces = np.random.default_rng(seed).integers(
        0, 256, (count, size, size, 3), np.uint8
    )
    tasks = [task_of(name, size, CompleteOptions()) for name in masks]
    return [
        Measurement(f"{number}.jpg", face, *tasks[number % len(tasks)])
        for number, face in enumerate(faces)
    ]


def run(searching, faces):
    """The best result for each face."""
    return [candidates[0] for candidates in searching.run(faces)]


def same(ours, theirs):
    return (
        np.array_equal(ours.latent, theirs.latent)
        and np.array_equal(ours.generated, theirs.generated)
        and np.array_equal(ours.fitted, theirs.fitted)
        and np.array_equal(ours.history, theirs.history)
        and (ours.start, ours.contextual, ours.perceptual, ours.loss)
        == (theirs.start, theirs.contextual, theirs.perceptual, theirs.loss)
        and ours.diagnosis == theirs.diagnosis
        and _same_posterior(ours.posterior, theirs.posterior)
    )


def _same_posterior(ours, theirs):
    if ours is None or theirs is None:
        return ours is theirs
    names = ("mean", "deviation", "low", "high", "frames")
    return all(
        np.array_equal(getattr(ours, name), getattr(theirs, name)) for name in names
    ) and np.array_equal(ours.draws.variables, theirs.draws.variables)
