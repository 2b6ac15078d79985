"""Refiner and its patch discriminator: a completion at twice the face's resolution.

The refiner is a U-Net that sees the photo's crop with its hole empty, the completion of
the face enlarged, and which pixels are known, and adds a residual to the completion
inside the hole. An aligned face is nearly its own mirror image, so that it sees the
crop and its known pixels mirrored, too: half a pair of glasses tells of the other. It
has two residuals: that of a picture, as sharp as a photo, and that of the mean of all
pictures that fit, which errs least and is soft. It has no norms over a batch, so that
no picture sees another. Pixels are gathered into channels before the first convolution
and spread again after the last (Shi et al. 2016, arXiv 1609.05158), where most of the
arithmetic would be otherwise.
"""

from typing import Any

import keras
from keras import ops

from facefill.backend.types import Tensor
from facefill.models.dcgan import LEAK

FACTOR = 2
"""Side of a refined crop in sides of the face."""
WIDTHS = (64, 128, 256)
"""Filters of the refiner's maps of a quarter, an eighth and a sixteenth of the side."""
GRID = 16
"""Pixels of a crop for one of the smallest maps, along a side."""
_FINE_WIDTH = 48
_BLOCKS = (0, 1, 5)
"""Residual blocks before each of them is shrunk, or enlarged."""
_BLOCK = 2
_KNOWN, CHANNELS = 6, 11
"""Place of the mask among the channels of what the refiner sees, and their number."""
_RESIDUAL_DEVIATION = 0.002
DISCRIMINATOR_WIDTHS = (48, 96, 128)


def build_refiner(
    size: int | None, seed: int, precision: str = "float32"
) -> keras.Model:
    """Build the refiner.

    Args:
        size: Side of a crop in pixels, a multiple of ``GRID``; None is for crops
            of any.
        seed: Seed of the initial weights.
        precision: Keras dtype policy of the hidden layers.

    Returns:
        A model from ``refiner_input``, (N, size, size, 11), to the residuals in the
        hole of a picture and of the mean, float32 (N, size, size, 6); 2.0 is the range
        of a picture. ``residuals`` parts them.
    """
    layers = _Layers(seed, precision)
    seen = keras.Input((size, size, CHANNELS), name="seen")
    fine = _gathered(seen)
    maps = layers.convolved(_gathered(fine), WIDTHS[0], "enter")
    skips = []
    for stage, width in enumerate(WIDTHS):
        if stage:
            maps = layers.convolved(maps, width, f"shrink_{stage}", strides=2)
        for block in range(_BLOCKS[stage]):
            maps = layers.residual(maps, f"block_{stage}_{block}")
        skips.append(maps)
    for stage in reversed(range(len(WIDTHS) - 1)):
        maps = layers.enlarged(maps, f"enlarge_{stage}")
        maps = layers.joined(maps, skips[stage], f"join_{stage}")
        maps = layers.convolved(maps, WIDTHS[stage], f"mix_{stage}")
        maps = layers.residual(maps, f"finish_{stage}")
    maps = layers.joined(_spread(maps), fine, "join_fine")
    maps = layers.convolved(maps, _FINE_WIDTH, "mix_fine")
    maps = layers.convolved(maps, 2 * 3 * _BLOCK**2, "paint", last=True)
    hidden = 1.0 - seen[..., _KNOWN : _KNOWN + 1]
    painted = ops.cast(_spread(maps), "float32") * hidden
    return keras.Model(seen, painted, name="refiner")


def in_precision(refiner: keras.Model, precision: str) -> keras.Model:
    """The same refiner with hidden layers of a Keras dtype policy."""
    if (
        refiner.get_layer("paint").compute_dtype
        == keras.DTypePolicy(precision).compute_dtype
    ):
        return refiner
    other = build_refiner(refiner.input_shape[1], 0, precision)
    other.set_weights(refiner.get_weights())
    return other


def build_patch_discriminator(
    size: int, seed: int, precision: str = "float32"
) -> keras.Model:
    """Build the discriminator of patches (Isola et al. 2017, arXiv 1611.07004).

    Args:
        size: Side of a crop in pixels, a multiple of 8.
        seed: Seed of the initial weights.
        precision: Keras dtype policy of the hidden layers.

    Returns:
        A model from picture and hole, (N, size, size, 4), to the maps of its layers;
        the last are logits (N, size / 8, size / 8, 1), positive for "a photo".
    """
    layers = _Layers(seed, precision)
    seen = keras.Input((size, size, 4), name="seen")
    maps = _gathered(seen)
    features = []
    for stage, width in enumerate(DISCRIMINATOR_WIDTHS):
        strides = 2 if stage < 2 else 1
        maps = layers.convolved(maps, width, f"reduce_{stage}", strides=strides)
        features.append(maps)
    logits = layers.convolved(maps, 1, "judge", last=True)
    return keras.Model(seen, [*features, logits], name="patch_discriminator")


def refiner_input(crops: Tensor, coarse: Tensor, known: Tensor) -> Tensor:
    """Known pixels of a crop, its coarse completion and its mask as channels.

    After them come the known pixels and the mask of its mirror image.

    Args:
        crops: (N, S, S, 3) in [-1, 1].
        coarse: Completion of the face, enlarged to the crop, (N, S, S, 3) in [-1, 1].
        known: (N, S, S, 1) float32, 1 = known.

    Returns:
        (N, S, S, 11).
    """
    visible = crops * known
    mirrored = [each[:, :, ::-1] for each in (visible, known)]
    return ops.concatenate([visible, coarse, known, *mirrored], axis=-1)


def residuals(painted: Tensor) -> tuple[Tensor, Tensor]:
    """Part what the refiner gives into the residuals of a picture and of the mean.

    Args:
        painted: (N, S, S, 6).

    Returns:
        Two of (N, S, S, 3).
    """
    return painted[..., :3], painted[..., 3:]


def _gathered(maps: Any) -> Any:
    """Gather blocks of 2x2 pixels into channels."""
    return ops.space_to_depth(maps, _BLOCK)


def _spread(maps: Any) -> Any:
    """Spread channels over blocks of 2x2 pixels."""
    return ops.depth_to_space(maps, _BLOCK)


class _Layers:
    """Makes the layers of a network, each with an initialiser of its own."""

    def __init__(self, seed: int, precision: str) -> None:
        self._seeds = iter(range(1000 * seed, 1000 * seed + 1000))
        self._precision = precision

    def convolved(
        self, maps: Any, width: int, name: str, *, strides: int = 1, last: bool = False
    ) -> Any:
        """Convolve by 3x3 kernels, with a leaky ReLU unless it is the last one."""
        seed = next(self._seeds)
        initializer = (
            keras.initializers.RandomNormal(stddev=_RESIDUAL_DEVIATION, seed=seed)
            if last
            else keras.initializers.HeNormal(seed=seed)
        )
        maps = keras.layers.Conv2D(
            width,
            3,
            strides=strides,
            padding="same",
            kernel_initializer=initializer,
            dtype=self._precision,
            name=name,
        )(maps)
        return maps if last else self._leaky(maps, f"{name}_leaky")

    def residual(self, maps: Any, name: str) -> Any:
        """Add two convolutions to what they see (He et al. 2016, arXiv 1603.05027)."""
        width = maps.shape[-1]
        change = self.convolved(maps, width, f"{name}_first")
        change = self.convolved(change, width, f"{name}_second", last=True)
        return keras.layers.Add(dtype=self._precision, name=name)([maps, change])

    def enlarged(self, maps: Any, name: str) -> Any:
        """Double the side by repeating pixels."""
        return keras.layers.UpSampling2D(_BLOCK, dtype=self._precision, name=name)(maps)

    def joined(self, maps: Any, others: Any, name: str) -> Any:
        """Put the channels of two maps together."""
        layer = keras.layers.Concatenate(dtype=self._precision, name=name)
        return layer([maps, others])

    def _leaky(self, maps: Any, name: str) -> Any:
        return keras.layers.LeakyReLU(LEAK, dtype=self._precision, name=name)(maps)
