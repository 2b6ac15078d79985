"""Keras's global settings, the same whatever a file in the home folder says.

Keras takes number format and layout of pictures from ``~/.keras/keras.json``, which may
be there since long ago. Networks of ours are float32 with channels last, and bfloat16
where a layer says so. The modules through which all others reach Keras import this one
for its effect. The backend is that of ``KERAS_BACKEND``, TensorFlow by default
(``facefill.environment``).
"""

import keras

from facefill.errors import ModelError

BACKENDS = ("tensorflow", "jax")
"""Backends that the graphs of ``backend.graph`` are written for."""


def set_defaults() -> None:
    """Set what ``keras.json`` may have changed, for this process.

    Raises:
        ModelError: If Keras runs on a backend that we do not know.
    """
    if keras.backend.backend() not in BACKENDS:
        raise ModelError(
            f"Keras runs on {keras.backend.backend()}, facefill on "
            f"{' or '.join(BACKENDS)}; unset KERAS_BACKEND"
        )
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_epsilon(1e-7)
    keras.config.set_dtype_policy("float32")


set_defaults()
