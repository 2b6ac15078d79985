"""All that differs between TensorFlow and JAX: compiling, gradients, devices.

Everything else above this module is ``keras.ops`` on values passed in and
returned, so that the same training and the same search run on both. The
backend is Keras's own choice (``KERAS_BACKEND``, TensorFlow by default).
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from facefill.errors import TrainingError
from facefill.losses import Tensor

Device = Literal["auto", "cpu", "gpu"]
Precision = Literal["auto", "float32", "mixed_bfloat16"]

logger = logging.getLogger(__name__)


def compiled(function: Callable[..., Any], device: Device) -> Callable[..., Any]:
    """Turn a function of arrays into one call of the device.

    XLA compiles it on a GPU, where it fuses the many small operations of Adam
    and batch norm; on a CPU its transposed convolutions are up to 90 times
    slower than TensorFlow's own, so there it stays off.

    Args:
        function: Pure; takes and returns nested arrays.
        device: Where it will run.
    """
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)  # type: ignore[no-any-return]
    import tensorflow as tf

    on_gpu = device_kind(device) == "gpu"
    return tf.function(function, jit_compile=on_gpu)  # type: ignore[no-any-return]


def gradients(
    function: Callable[..., tuple[Sequence[Tensor], Any]],
    arguments: Sequence[Sequence[Tensor]],
) -> tuple[list[list[Tensor]], Any]:
    """Differentiate several losses, each by an argument of its own.

    The losses share one forward pass. Loss ``i`` is differentiated by argument
    ``i`` alone, and what only other pairs need is never computed.

    Args:
        function: Takes the arguments, returns the losses (scalars, as many as
            there are arguments) and whatever else the caller wants back.
        arguments: Lists of arrays.

    Returns:
        For each argument the gradients of its loss, and what else was returned.
    """
    if keras.backend.backend() == "jax":
        import jax

        losses, pull_back, others = jax.vjp(function, *arguments, has_aux=True)
        chosen = np.eye(len(losses), dtype=np.float32)
        return [
            pull_back(type(losses)(ops.convert_to_tensor(weight) for weight in row))[
                position
            ]
            for position, row in enumerate(chosen)
        ], others
    import tensorflow as tf

    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(arguments)
        losses, others = function(*arguments)
    pairs = zip(losses, arguments, strict=True)
    return [tape.gradient(loss, list(argument)) for loss, argument in pairs], others


def input_gradient(function: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """Differentiate a scalar by an array; the result can be differentiated again.

    Args:
        function: Takes the array, returns a scalar.
        inputs: The array.

    Returns:
        The gradient, of the shape and type of ``inputs``.
    """
    inputs = ops.convert_to_tensor(inputs)
    if keras.backend.backend() == "jax":
        import jax

        return jax.grad(function)(inputs)
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        value = function(inputs)
    return tape.gradient(value, inputs)


def repeat(
    step: Callable[[Any, Any], tuple[Any, Tensor]],
    state: Any,
    inputs: Any,
    num_records: int,
) -> tuple[Any, Tensor]:
    """Run a step once for each slice of the inputs, inside the graph.

    Args:
        step: Takes the state and one slice of the inputs; returns the next state,
            of the same structure and shapes, and a vector to record.
        state: Nested arrays.
        inputs: Nested arrays; the slices are along their first axis.
        num_records: Length of the recorded vector.

    Returns:
        The last state and the recorded vectors, (slices, num_records) float32.
    """
    inputs = to_device(inputs)
    count = keras.tree.flatten(inputs)[0].shape[0]

    def body(position: Tensor, records: Tensor, *flat: Tensor) -> tuple[Tensor, ...]:
        chosen = keras.tree.map_structure(
            lambda array: ops.take(array, position, axis=0), inputs
        )
        packed = keras.tree.pack_sequence_as(state, list(flat))
        changed, row = step(packed, chosen)
        records = ops.slice_update(records, (position, 0), row[None])
        return position + 1, records, *keras.tree.flatten(changed)

    _, records, *flat = ops.while_loop(
        lambda position, *_: position < count,
        body,
        (
            ops.convert_to_tensor(0),
            ops.zeros((count, num_records)),
            *keras.tree.flatten(state),
        ),
    )
    return keras.tree.pack_sequence_as(state, flat), records


def device_kind(device: Device) -> Literal["cpu", "gpu"]:
    """Say which kind of device ``auto`` means on this machine.

    Raises:
        TrainingError: If a GPU is asked for and there is none.
    """
    if device == "cpu":
        return "cpu"
    if num_gpus() > 0:
        return "gpu"
    if device == "gpu":
        raise TrainingError("device is 'gpu', but no GPU is visible; use 'auto'")
    return "cpu"


def let_memory_grow() -> None:
    """Take memory of the GPUs as it is needed, and leave the rest to others.

    It has an effect only before the first operation of the process.
    """
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, enable=True)
        except RuntimeError:
            logger.debug("%s is in use; its memory growth stays as it is", gpu.name)


def on_device(device: Device) -> AbstractContextManager[Any]:
    """Place the arrays and operations of the block on the chosen device."""
    kind = device_kind(device)
    let_memory_grow()
    if kind == "gpu" or num_gpus() > 0:
        return keras.device(f"{kind}:0")  # type: ignore[no-any-return]
    return nullcontext()


@contextmanager
def exact_float32() -> Iterator[None]:
    """Multiply float32 numbers as such, where a GPU would round them to 19 bits.

    TensorFloat-32 is right for a gradient step; sums that are compared with each
    other, or differences of pictures, drown in its error of a thousandth.
    """
    if keras.backend.backend() == "jax":
        import jax

        with jax.default_matmul_precision("highest"):
            yield
        return
    import tensorflow as tf

    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


def resolve_precision(precision: Precision, device: Device) -> str:
    """Turn ``auto`` into a Keras dtype policy.

    bfloat16 where the hardware multiplies it: 1.6 to 2.3 times the speed there,
    slower than float32 elsewhere.
    """
    if precision != "auto":
        return precision
    if device_kind(device) == "gpu":
        return "mixed_bfloat16"
    cpu = Path("/proc/cpuinfo")
    flags = cpu.read_text() if cpu.exists() else ""
    has_bfloat16 = "avx512_bf16" in flags or "amx_bf16" in flags
    return "mixed_bfloat16" if has_bfloat16 else "float32"


def fused_batch_norm(
    maps: Tensor, scale: Tensor, offset: Tensor, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalise maps by their own moments, as one operation of TensorFlow.

    Args:
        maps: (N, H, W, C), float32 or bfloat16.
        scale: (C,) float32, likewise ``offset``, which the mean becomes.
        offset: See there.
        epsilon: Added to the variance.

    Returns:
        The maps, and mean and variance (divided by N H W) of each channel, float32.
    """
    import tensorflow as tf

    scale, offset = tf.convert_to_tensor(scale), tf.convert_to_tensor(offset)
    none = {"mean": tf.zeros((0,)), "variance": tf.zeros((0,))}
    normed, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=maps, scale=scale, offset=offset, epsilon=epsilon, is_training=True, **none
    )
    # The operation estimates the variance of all maps that there might be.
    count = tf.cast(tf.size(maps) // tf.shape(maps)[-1], tf.float32)
    return normed, mean, variance * ((count - 1.0) / count)


def has_replicas() -> bool:
    """Say whether the backend can run one step on several devices."""
    return bool(keras.backend.backend() == "tensorflow")


def num_replicas() -> int:
    """Count the devices that run this very step together; 1 outside of one."""
    if not has_replicas():
        return 1
    import tensorflow as tf

    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def mean_over_replicas(nested: Any) -> Any:
    """Average arrays over the devices that run this very step together."""
    if num_replicas() == 1:
        return nested
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    means = context.all_reduce(tf.distribute.ReduceOp.MEAN, keras.tree.flatten(nested))
    return keras.tree.pack_sequence_as(nested, means)


def to_numpy(nested: Any) -> Any:
    """Bring nested arrays from the device to numpy."""
    return keras.tree.map_structure(ops.convert_to_numpy, nested)


def to_device(nested: Any) -> Any:
    """Bring nested numpy arrays to the device."""
    return keras.tree.map_structure(ops.convert_to_tensor, nested)


def num_gpus() -> int:
    """Count the GPUs that this process sees."""
    if keras.backend.backend() == "jax":
        import jax

        return sum(device.platform == "gpu" for device in jax.devices())
    import tensorflow as tf

    return len(tf.config.list_physical_devices("GPU"))
