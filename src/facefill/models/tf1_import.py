"""Models from TensorFlow 1 checkpoints of bamos's and carpedm20's DCGANs.

Synopsis::

    arrays = read_checkpoint("checkpoint/DCGAN.model-60502")
    models = convert(arrays)

Their graphs are built in ``model.py`` of bamos/dcgan-completion.tensorflow and of
carpedm20/DCGAN-tensorflow. Two generations of names are read: with ``d_bn1`` to
``d_bn3`` and ``d_h3_lin``, as the model that bamos published, and with ``d_bn0`` to
``d_bn2`` (bamos) or ``d_h4_lin`` (both), as later code. Widths are those of the
arrays: 512-256-128-64 or, in bamos's later code, 512-512-256-128.

Their convolutions have a bias before the batch norm. In inference a norm computes
``gamma * (x + bias - mean) / sqrt(variance + epsilon) + beta``, so the bias is
exactly a smaller moving mean, and that is where it goes. The bias of the
generator's dense layer differs from place to place, which a mean cannot; our layer
gets one.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from facefill.errors import ModelError
from facefill.models.dcgan import (
    SMALLEST_MAP,
    Architecture,
    build_discriminator,
    build_generator_of_widths,
)
from facefill.models.files import ModelPair

Arrays = Mapping[str, np.ndarray]

MAX_LISTED = 8
"""Names that an error lists of a kind."""

_NORM = ("gamma", "beta", "moving_mean", "moving_variance")
_DIMENSIONS = {"w": 4, "Matrix": 2}
_OF_THE_OPTIMIZER = ("/Adam", "/Adam_1", "beta1_power", "beta2_power", "global_step")


@dataclass(frozen=True)
class Layout:
    """How a checkpoint names its layers.

    Attributes:
        num_stages: Layers of stride 2 in each network.
        first_norm: Number of the discriminator's first batch norm, 0 or 1.
        head: Scope of the discriminator's last layer.
    """

    num_stages: int
    first_norm: int
    head: str

    @classmethod
    def of(cls, names: Iterable[str]) -> "Layout":
        """Find the layout that the names of a checkpoint speak of."""
        known = set(names)
        counted = itertools.takewhile(
            lambda stage: f"generator/g_h{stage}/w" in known, itertools.count(1)
        )
        # Without any, say what the published model has.
        num_stages = len(list(counted)) or 4
        heads = [f"discriminator/d_h{k}_lin" for k in (num_stages - 1, num_stages)]
        return cls(
            num_stages=num_stages,
            first_norm=0 if "discriminator/d_bn0/gamma" in known else 1,
            head=next((each for each in heads if f"{each}/Matrix" in known), heads[1]),
        )

    def generator(self) -> dict[str, str]:
        """Name the array for each variable of our generator."""
        names = _linear("generator/g_h0_lin", "project")
        for stage in range(self.num_stages):
            names |= _norm(f"generator/g_bn{stage}", stage)
        for stage in range(1, self.num_stages):
            names |= _convolution(f"generator/g_h{stage}", f"enlarge_{stage}")
        return names | _convolution(f"generator/g_h{self.num_stages}", "paint")

    def discriminator(self) -> dict[str, str]:
        """Name the array for each variable of our discriminator."""
        names: dict[str, str] = {}
        for stage in range(self.num_stages):
            names |= _convolution(f"discriminator/d_h{stage}_conv", f"reduce_{stage}")
        for stage in range(1, self.num_stages):
            scope = f"discriminator/d_bn{stage - 1 + self.first_norm}"
            names |= _norm(scope, stage)
        return names | _linear(self.head, "judge")


def _linear(scope: str, layer: str) -> dict[str, str]:
    return {f"{layer}/kernel": f"{scope}/Matrix", f"{layer}/bias": f"{scope}/bias"}


def _convolution(scope: str, layer: str) -> dict[str, str]:
    return {f"{layer}/kernel": f"{scope}/w", f"{layer}/bias": f"{scope}/biases"}


def _norm(scope: str, stage: int) -> dict[str, str]:
    return {f"norm_{stage}/{name}": f"{scope}/{name}" for name in _NORM}


def import_models(path: str | None) -> tuple[ModelPair, dict[str, Any]]:
    """Read a checkpoint and build our networks of it.

    Args:
        path: As for ``read_checkpoint``; ``None`` is an error that says what to set.

    Returns:
        The networks, and what they are, for a report.

    Raises:
        ModelError: If there is no such checkpoint, or it does not fit.
    """
    if path is None:
        raise ModelError(
            "no checkpoint is named; set import_checkpoint.path to that of a "
            "DCGAN.model-N, without .index, or to its folder"
        )
    models = convert(read_checkpoint(path))
    layers = [
        layer
        for layer in models.generator.layers
        if layer.name.startswith(("enlarge_", "paint"))
    ]
    return models, {
        "checkpoint": path,
        "image_size": models.generator.output_shape[1],
        "latent_size": models.generator.input_shape[1],
        "generator_widths": [int(layer.input.shape[-1]) for layer in layers],
        "generator_weights": models.generator.count_params(),
        "discriminator_weights": models.discriminator.count_params(),
    }


def read_checkpoint(path: str) -> dict[str, np.ndarray]:
    """Read every array of a TensorFlow 1 checkpoint.

    Args:
        path: Its prefix (``…/DCGAN.model-60502``), one of its files, or a folder,
            whose file ``checkpoint`` says which, or which holds a single one.

    Raises:
        ModelError: If there is none, or it is damaged.
    """
    import tensorflow as tf

    prefix = _prefix(Path(path))
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        return {
            name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()
        }
    # What TensorFlow's C++ finds comes as a RuntimeError or one of its own.
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise ModelError(f"{prefix} is no whole checkpoint: {error}") from error


def _prefix(path: Path) -> Path:
    if path.is_dir():
        return _newest(path)
    if path.suffix in (".index", ".meta") or ".data-" in path.name:
        path = path.parent / path.name.rpartition(".")[0]
    if not path.with_name(f"{path.name}.index").is_file() and not path.is_file():
        raise ModelError(
            f"no checkpoint at {path}; import_checkpoint.path is the name of its files "
            "without .index, or their folder"
        )
    return path


def _newest(folder: Path) -> Path:
    import tensorflow as tf

    state = tf.train.get_checkpoint_state(str(folder))
    if state is not None and state.model_checkpoint_path:
        # It may name the folder of the machine that it was trained on.
        return _prefix(folder / Path(state.model_checkpoint_path).name)
    found = sorted(folder.glob("*.index"))
    if len(found) != 1:
        raise ModelError(
            f"{folder} holds {len(found)} checkpoints and no file that says which is "
            "the last; set import_checkpoint.path to one of them"
        )
    return found[0].with_suffix("")


def convert(arrays: Arrays) -> ModelPair:
    """Build our networks from the arrays of theirs.

    Raises:
        ModelError: Listing the names that are missing, those that are not known, and
            the shapes that do not fit.
    """
    used = {
        name: value
        for name, value in arrays.items()
        if not name.endswith(_OF_THE_OPTIMIZER)
    }
    layout = Layout.of(used)
    names = layout.generator(), layout.discriminator()
    _require_names(used, [*names[0].values(), *names[1].values()])
    ours = [{key: used[name] for key, name in each.items()} for each in names]
    _require_dimensions(used)
    models = _build(*ours)
    faults = [
        f"{name} has shape {tuple(used[name].shape)} instead of {shape}"
        for model, each in zip(models, names, strict=True)
        for name, shape in _wanted_shapes(model, each).items()
        if tuple(used[name].shape) != shape
    ]
    if faults:
        raise ModelError(f"the checkpoint does not fit: {_listed(faults)}")
    for model, values in zip(models, ours, strict=True):
        _assign(model, values)
    return models


def _require_names(used: Arrays, wanted: list[str]) -> None:
    missing = sorted({*wanted} - used.keys())
    unknown = sorted(used.keys() - {*wanted})
    faults = [
        f"{verb} {_listed(found)}"
        for verb, found in (("it lacks", missing), ("we do not know", unknown))
        if found
    ]
    if faults:
        raise ModelError(
            "the checkpoint is of another network than those of bamos and carpedm20: "
            + "; ".join(faults)
        )


def _require_dimensions(used: Arrays) -> None:
    faults = [
        f"{name} has shape {value.shape}"
        for name, value in sorted(used.items())
        if value.ndim != _DIMENSIONS.get(name.rpartition("/")[2], 1) or not value.size
    ]
    if faults:
        raise ModelError(f"the checkpoint does not fit: {_listed(faults)}")


def _listed(items: list[str]) -> str:
    more = len(items) - MAX_LISTED
    return ", ".join(items[:MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


def _build(generator: Arrays, discriminator: Arrays) -> ModelPair:
    """Build networks of the sizes that the arrays speak of."""
    latent_size, projected = generator["project/kernel"].shape
    hidden = [key for key in generator if key.startswith("enlarge_")]
    kernels = [generator[key] for key in hidden if key.endswith("/kernel")]
    widths = [
        max(1, projected // SMALLEST_MAP**2),
        *(kernel.shape[2] for kernel in kernels),
    ]
    architecture = Architecture(
        image_size=SMALLEST_MAP << len(widths),
        latent_size=latent_size,
        discriminator_width=discriminator["reduce_0/kernel"].shape[3],
    )
    return ModelPair(
        build_generator_of_widths(latent_size, widths, seed=0, project_bias=True),
        build_discriminator(architecture, seed=0),
    )


def _wanted_shapes(
    model: keras.Model, names: Mapping[str, str]
) -> dict[str, tuple[int, ...]]:
    """List the shape that each array must have; a bias, that of its norm."""
    shapes = {variable.path: tuple(variable.shape) for variable in model.variables}
    return {
        name: shapes[key if key in shapes else _folded_into(key)]
        for key, name in names.items()
    }


def _folded_into(bias: str) -> str:
    """Name the moving mean that takes a convolution's bias."""
    layer = bias.partition("/")[0]
    return f"norm_{layer.rpartition('_')[2]}/moving_mean"


def _assign(model: keras.Model, values: Arrays) -> None:
    own = {variable.path: variable for variable in model.variables}
    folded = {_folded_into(key): values[key] for key in values if key not in own}
    for path, variable in own.items():
        value = values[path].astype(np.float64)
        variable.assign((value - folded.get(path, 0.0)).astype(np.float32))
