"""Packing of trained models into the files that come with facefill."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import NDArray

from facefill.errors import ModelError
from facefill.imaging.pictures import grid, write_png
from facefill.models import pretrained
from facefill.models.dcgan import Architecture, build_discriminator, build_generator
from facefill.models.files import ModelPair, weights_sha256
from facefill.models.generation import generate
from facefill.models.pretrained import Manifest
from facefill.parameters.choices import Network
from facefill.runtime import rng
from facefill.runtime.files import write_bytes, write_json

MAX_BYTES = 25_000_000
"""Limit of both files together, since they are kept in git."""

NUM_SAMPLES = 64
_SEED = 1


def ship(models: ModelPair, folder: Path, steps: int) -> Manifest:
    """Write both networks, a grid of unpicked samples, and the manifest, last.

    Args:
        models: Networks of ``dcgan``, of any widths.
        folder: Receives ``generator.npz``, ``discriminator.npz``, ``samples.png``
            and ``manifest.json``.
        steps: Steps that they were trained, for the record.

    Raises:
        ModelError: If they are too large, or are not built as ours are; nothing is
            written then.
    """
    architecture = architecture_of(models)
    contents: dict[Network, bytes] = {
        "generator": _in_float16(models.generator),
        # It only judges, by less than a thousandth of the loss: half the bits.
        "discriminator": in_eight_bits(models.discriminator),
    }
    total = sum(len(content) for content in contents.values())
    if total > MAX_BYTES:
        raise ModelError(f"the models take {total} bytes, more than {MAX_BYTES}")
    rounded = {
        name: pretrained.unpack(content, name, architecture)
        for name, content in contents.items()
    }
    for name, content in contents.items():
        write_bytes(folder / f"{name}.npz", content)
    write_png(folder / "samples.png", sample_grid(rounded["generator"]))
    manifest = Manifest(
        image_size=architecture.image_size,
        latent_size=architecture.latent_size,
        generator_width=architecture.generator_width,
        discriminator_width=architecture.discriminator_width,
        steps=steps,
        sha256={
            name: hashlib.sha256(content).hexdigest()
            for name, content in contents.items()
        },
        weights_sha256={name: weights_sha256(model) for name, model in rounded.items()},
        discriminator_norm=_kind_of_norm(models.discriminator),
    )
    write_json(folder / pretrained.MANIFEST, asdict(manifest))
    return manifest


def architecture_of(models: ModelPair) -> Architecture:
    """Find by what networks were built.

    Raises:
        ModelError: If not by ``dcgan.build_generator`` and
            ``build_discriminator``.
    """
    generator, discriminator = models
    try:
        architecture = Architecture(
            image_size=generator.output_shape[1],
            latent_size=generator.input_shape[1],
            generator_width=generator.get_layer("paint").input.shape[-1],
            discriminator_width=discriminator.get_layer("reduce_0").filters,
            discriminator_norm=_kind_of_norm(discriminator),
        )
    except ValueError as error:
        raise ModelError(f"these are no networks of ours: {error}") from error
    built = ModelPair(
        build_generator(architecture, seed=0), build_discriminator(architecture, seed=0)
    )
    for ours, theirs in zip(built, models, strict=True):
        if _shapes(ours) != _shapes(theirs):
            raise ModelError(
                f"the {ours.name} has other layers than those that we build; only "
                "networks of `kedro run --pipeline=train` can be shipped"
            )
    return architecture


def sample_grid(generator: keras.Model) -> np.ndarray:
    """Generate from the first latents of a fixed seed; none is picked."""
    sample_rng = rng.keyed_rng(_SEED, rng.Purpose.SAMPLES)
    latent_size = generator.input_shape[1]
    latents = rng.uniform_latents(sample_rng, NUM_SAMPLES, latent_size)
    return grid(generate(generator, latents))


def _kind_of_norm(discriminator: keras.Model) -> Literal["batch", "none"]:
    names = [layer.name for layer in discriminator.layers]
    return "batch" if any(name.startswith("norm_") for name in names) else "none"


def _shapes(model: keras.Model) -> dict[str, tuple[int, ...]]:
    return {variable.path: tuple(variable.shape) for variable in model.variables}


def in_eight_bits(model: keras.Model) -> bytes:
    """Pack a network's arrays, kernels in 8 bits and vectors as float32.

    A kernel has 255 levels between the extremes of each of its filters.

    Raises:
        ModelError: If a weight is not finite.
    """
    arrays: dict[str, Any] = {}
    for path, value in _finite(model, np.finfo(np.float32).max):
        if value.ndim == 1:
            arrays[path] = value
            continue
        scale = np.abs(value).max(axis=tuple(range(value.ndim - 1))) / 127.0
        levels = value / np.maximum(scale, np.finfo(np.float32).tiny)
        arrays[path] = np.round(levels).astype(np.int8)
        arrays[f"{path}/scale"] = scale.astype(np.float32)
    return _compressed(arrays)


def _in_float16(model: keras.Model) -> bytes:
    """Pack a network's arrays, kernels as float16 and vectors as float32."""
    arrays = {
        path: value.astype(np.float16 if value.ndim > 1 else np.float32)
        for path, value in _finite(model, np.finfo(np.float16).max)
    }
    return _compressed(arrays)


def _compressed(arrays: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def _finite(
    model: keras.Model, limit: np.floating
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Give a network's arrays by their paths, kernels within a limit.

    Raises:
        ModelError: If one is not, or has a number that is not finite.
    """
    for variable in model.variables:
        value = np.asarray(variable.numpy(), np.float32)
        largest = limit if value.ndim > 1 else np.finfo(np.float32).max
        # NaN is not within the limit either.
        if not np.abs(value).max() <= largest:
            raise ModelError(
                f"{variable.path} is not finite, or too large to be packed"
            )
        yield variable.path, value
