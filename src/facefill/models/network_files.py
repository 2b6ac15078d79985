"""Networks that a training has made beside a generator, as files that describe them.

A file is one ``.npz``, read without pickle: the weights in float32, and a description
with the SHA-256 of the generator that the network belongs to, and of the weights.
"""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from facefill.errors import ModelError
from facefill.models.files import weights_sha256

GENERATOR = "generator_sha256"
"""Key of a description: ``files.weights_sha256`` of the generator."""

_WEIGHTS = "weights_sha256"
_DESCRIPTION = "description.json"


def pack(network: keras.Model, described: Mapping[str, Any]) -> bytes:
    """Encode a network, the same bytes for the same weights.

    Args:
        network: The network.
        described: What it is built by, and ``GENERATOR``, as values that JSON can hold.
    """
    text = json.dumps({**described, _WEIGHTS: weights_sha256(network)})
    arrays: dict[str, Any] = {_DESCRIPTION: np.frombuffer(text.encode(), np.uint8)}
    for variable in network.variables:
        arrays[variable.path] = np.asarray(variable.numpy(), np.float32)
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def unpack(
    content: bytes, build: Callable[[Mapping[str, Any]], keras.Model]
) -> tuple[keras.Model, Mapping[str, Any]]:
    """Decode what ``pack`` made.

    Args:
        content: Bytes of the file.
        build: Builds the network by its description.

    Returns:
        The network, and its description.

    Raises:
        ModelError: If it is something else, or not whole.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            described = json.loads(archive[_DESCRIPTION].tobytes())
            network = build(described)
            _check_layers(network, archive)
            for variable in network.variables:
                variable.assign(archive[variable.path])
        is_whole = described[_WEIGHTS] == weights_sha256(network)
    except ModelError:
        raise
    except Exception as error:  # whatever numpy and Keras raise for a bad file
        raise ModelError(f"no network of ours ({error})") from error
    if not is_whole:
        raise ModelError("its weights are not those that were written")
    return network, described


def _check_layers(network: keras.Model, archive: Mapping[str, Any]) -> None:
    """Refuse weights of other layers than are built today."""
    built = {variable.path: tuple(variable.shape) for variable in network.variables}
    stored = {path: archive[path].shape for path in archive if path != _DESCRIPTION}
    if built != stored:
        raise ModelError("its layers are those of another version of facefill")
