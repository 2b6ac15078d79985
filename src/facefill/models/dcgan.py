"""DCGAN generator and discriminator, and the encoder, as Keras models.

Radford et al. 2016 (arXiv 1511.06434) as in bamos/dcgan-completion.tensorflow
``model.py``: 5x5 kernels with stride 2, batch norm everywhere but at the
generator's output and the discriminator's input, ReLU and leaky ReLU 0.2,
weights from N(0, 0.02). Two things differ on purpose: convolutions before a
batch norm have no bias, which the norm would take away again, and the
generator halves its widths from the first layer on, as in the reference's
published model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import keras

from facefill.models.batch_norm import FusedBatchNormalization
from facefill.parameters.choices import DiscriminatorNorm

KERNEL_SIZE = 5
SMALLEST_MAP = 4
LEAK = 0.2
INITIAL_DEVIATION = 0.02
NORM_MOMENTUM = 0.9
NORM_EPSILON = 1e-5

Norms = Literal["plain", "fused", "synchronized"]


@dataclass(frozen=True)
class Architecture:
    """Sizes that fix the shapes of both networks.

    Attributes:
        image_size: Side of a picture; a power of two, at least 8.
        latent_size: Length of z.
        generator_width: Filters of the generator's last hidden layer.
        discriminator_width: Filters of the discriminator's first layer.
        discriminator_norm: ``batch`` norms; with the others the discriminator has
            biases instead, and spectral norm is in the training alone.
    """

    image_size: int = 64
    latent_size: int = 100
    generator_width: int = 64
    discriminator_width: int = 64
    discriminator_norm: DiscriminatorNorm = "batch"

    @property
    def num_stages(self) -> int:
        """Layers of stride 2 between a 4x4 map and the picture."""
        return (self.image_size // SMALLEST_MAP).bit_length() - 1

    @property
    def generator_widths(self) -> list[int]:
        """Filters of the generator's hidden layers, halved from layer to layer."""
        return [
            self.generator_width << power for power in reversed(range(self.num_stages))
        ]


def build_generator(
    architecture: Architecture, seed: int, precision: str = "float32"
) -> keras.Model:
    """Build G: latents to pictures.

    Args:
        architecture: Sizes; 64 pixels at width 64 give 512-256-128-64-3.
        seed: Of the initial weights.
        precision: Keras dtype policy of the hidden layers; the output is
            float32 under any.

    Returns:
        A model from (N, latent_size) float32 in [-1, 1] to (N, image_size,
        image_size, 3) float32 in [-1, 1].
    """
    return build_generator_of_widths(
        architecture.latent_size, architecture.generator_widths, seed, precision
    )


def build_generator_of_widths(
    latent_size: int,
    widths: Sequence[int],
    seed: int,
    precision: str = "float32",
    *,
    project_bias: bool = False,
) -> keras.Model:
    """Build a G whose layers need not halve, as some models from elsewhere.

    Args:
        latent_size: Length of z.
        widths: Filters of the hidden layers, the first of 4x4 maps.
        seed: Of the initial weights.
        precision: Keras dtype policy of the hidden layers.
        project_bias: Whether the dense layer has a bias, which can differ from
            place to place and so is not what the batch norm takes away.

    Returns:
        As ``build_generator``; pictures of ``4 * 2 ** len(widths)`` pixels.
    """
    initializers = _Initializers(seed)
    latents = keras.Input((latent_size,), name="latents")
    maps = keras.layers.Dense(
        SMALLEST_MAP**2 * widths[0],
        use_bias=project_bias,
        kernel_initializer=initializers.next(),
        dtype=precision,
        name="project",
    )(latents)
    maps = keras.layers.Reshape(
        (SMALLEST_MAP, SMALLEST_MAP, widths[0]), dtype=precision, name="reshape"
    )(maps)
    maps = _norm("norm_0", precision)(maps)
    maps = keras.layers.ReLU(dtype=precision, name="relu_0")(maps)
    for stage, width in enumerate(widths[1:], start=1):
        maps = keras.layers.Conv2DTranspose(
            width,
            KERNEL_SIZE,
            strides=2,
            padding="same",
            use_bias=False,
            kernel_initializer=initializers.next(),
            dtype=precision,
            name=f"enlarge_{stage}",
        )(maps)
        maps = _norm(f"norm_{stage}", precision)(maps)
        maps = keras.layers.ReLU(dtype=precision, name=f"relu_{stage}")(maps)
    maps = keras.layers.Conv2DTranspose(
        3,
        KERNEL_SIZE,
        strides=2,
        padding="same",
        kernel_initializer=initializers.next(),
        dtype=precision,
        name="paint",
    )(maps)
    pictures = keras.layers.Activation("tanh", dtype="float32", name="tanh")(maps)
    return keras.Model(latents, pictures, name="generator")


def build_encoder(
    image_size: int,
    latent_size: int,
    width: int,
    precision: str = "float32",
    seed: int = 0,
) -> keras.Model:
    """Build a network from pictures with holes to latents of a generator.

    The discriminator's shape, with layer norms, under which no picture sees another.

    Args:
        image_size: Side of a picture; a power of two, at least 8.
        latent_size: Length of z.
        width: Filters of the first layer, doubled from layer to layer.
        precision: Keras dtype policy of the hidden layers.
        seed: Seed of the initial weights.

    Returns:
        A model from ``encoder.encoder_input``, (N, image_size, image_size, 4), to
        (N, latent_size) float32 in [-1, 1].
    """
    seen = keras.Input((image_size, image_size, 4), name="seen")
    maps, side, stage = seen, image_size, 0
    while side > SMALLEST_MAP:
        maps = keras.layers.Conv2D(
            width << stage,
            KERNEL_SIZE,
            strides=2,
            padding="same",
            kernel_initializer=keras.initializers.GlorotUniform(1000 * seed + stage),
            dtype=precision,
            name=f"shrink_{stage}",
        )(maps)
        maps = keras.layers.LayerNormalization(dtype=precision, name=f"norm_{stage}")(
            maps
        )
        maps = keras.layers.LeakyReLU(LEAK, dtype=precision, name=f"leak_{stage}")(maps)
        side, stage = side // 2, stage + 1
    flat = keras.layers.Flatten(dtype=precision, name="flat")(maps)
    latents = keras.layers.Dense(
        latent_size,
        kernel_initializer=keras.initializers.GlorotUniform(1000 * seed + stage),
        dtype="float32",
        name="place",
    )(flat)
    latents = keras.layers.Activation("tanh", dtype="float32", name="tanh")(latents)
    return keras.Model(seen, latents, name="encoder")


def build_discriminator(
    architecture: Architecture, seed: int, precision: str = "float32"
) -> keras.Model:
    """Build D: pictures to logits, positive for "a photo".

    Args:
        architecture: Sizes; 64 pixels at width 64 give 64-128-256-512.
        seed: Of the initial weights.
        precision: Keras dtype policy of the hidden layers.

    Returns:
        A model from (N, image_size, image_size, 3) float32 in [-1, 1] to
        (N, 1) float32, not passed through a sigmoid.
    """
    initializers = _Initializers(seed + 1)
    size = architecture.image_size
    pictures = keras.Input((size, size, 3), name="pictures")
    maps = pictures
    has_norm = architecture.discriminator_norm == "batch"
    normed = range(1, architecture.num_stages) if has_norm else range(0)
    for stage in range(architecture.num_stages):
        maps = keras.layers.Conv2D(
            architecture.discriminator_width << stage,
            KERNEL_SIZE,
            strides=2,
            padding="same",
            use_bias=stage not in normed,
            kernel_initializer=initializers.next(),
            dtype=precision,
            name=f"reduce_{stage}",
        )(maps)
        if stage in normed:
            maps = _norm(f"norm_{stage}", precision)(maps)
        maps = keras.layers.LeakyReLU(LEAK, dtype=precision, name=f"leaky_{stage}")(
            maps
        )
    maps = keras.layers.Flatten(dtype=precision, name="flatten")(maps)
    logits = keras.layers.Dense(
        1, kernel_initializer=initializers.next(), dtype="float32", name="judge"
    )(maps)
    return keras.Model(pictures, logits, name="discriminator")


def rebuild(model: keras.Model, precision: str, norms: Norms = "plain") -> keras.Model:
    """Copy a network under another dtype policy, weights included.

    A model file is float32; a search or a benchmark may want bfloat16.

    Args:
        model: The network.
        precision: Keras dtype policy of the hidden layers.
        norms: How batch norms are computed: ``plain`` in model files, ``fused`` in
            one operation where TensorFlow is the backend, or ``synchronized``, with the
            moments of what all devices of a ``tf.distribute`` strategy have together.
    """

    def with_precision(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if "dtype" in config and layer.name not in ("tanh", "judge"):
            config["dtype"] = precision
        if not isinstance(layer, keras.layers.BatchNormalization):
            return layer.__class__.from_config(config)
        config["synchronized"] = norms == "synchronized"
        is_fused = norms == "fused"
        kind = FusedBatchNormalization if is_fused else keras.layers.BatchNormalization
        return kind.from_config(config)

    copy = keras.models.clone_model(model, clone_function=with_precision)
    copy.set_weights(model.get_weights())
    return copy


class _Initializers:
    """Gives each layer an initialiser of its own, all fixed by one seed."""

    def __init__(self, seed: int) -> None:
        self._seeds = iter(range(1000 * seed, 1000 * seed + 1000))

    def next(self) -> keras.initializers.Initializer:
        return keras.initializers.RandomNormal(
            stddev=INITIAL_DEVIATION, seed=next(self._seeds)
        )


def _norm(name: str, precision: str) -> keras.Layer:
    return keras.layers.BatchNormalization(
        momentum=NORM_MOMENTUM, epsilon=NORM_EPSILON, dtype=precision, name=name
    )
