"""InceptionV3 features for FID and KID, for whoever has the file of its weights.

The Frechet and kernel distances on them are the FID (Heusel et al. 2017) and KID
(Binkowski et al. 2018) in all but this: Keras' weights are not those of the graph that
papers measured with, and faces are enlarged to 299 pixels bilinearly. Values are of
the same kind, and comparable with those of others only if they were made so too.
"""

import warnings
from pathlib import Path

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from facefill.errors import ModelError
from facefill.runtime.batching import slices

INPUT_SIZE = 299
NUM_FEATURES = 2048
_FACES_A_CALL = 16


class InceptionFeatures:
    """InceptionV3 without its classes, its last maps averaged."""

    def __init__(self, weights: Path) -> None:
        """Build the network and read its weights; nothing is downloaded.

        Args:
            weights: Those of ``keras.applications.InceptionV3`` without the top
                layer, ``.h5`` or ``.weights.h5``.

        Raises:
            ModelError: If the file is absent or of another network.
        """
        if not weights.is_file():
            raise ModelError(f"no file {weights}; see train.inception_weights")
        self._network = keras.applications.InceptionV3(
            include_top=False,
            weights=None,
            input_shape=(INPUT_SIZE, INPUT_SIZE, 3),
            pooling="avg",
        )
        try:
            with warnings.catch_warnings():
                # Keras only warns of layers that it leaves as they were drawn.
                warnings.simplefilter("error", UserWarning)
                self._network.load_weights(weights)
        except (ValueError, OSError, KeyError, UserWarning) as error:
            raise ModelError(
                f"{weights} holds no weights of keras.applications.InceptionV3 without "
                f"the top layer ({' '.join(str(error).split())[:200]}); see "
                "train.inception_weights"
            ) from error

    def __call__(self, faces: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Compute the features of faces, uint8 (N, S, S, 3); float64 (N, 2048)."""
        features = np.empty((len(faces), NUM_FEATURES))
        for rows in slices(len(faces), _FACES_A_CALL):
            part = np.asarray(faces[rows], np.float32)
            enlarged = ops.image.resize(
                part / 127.5 - 1.0, (INPUT_SIZE, INPUT_SIZE), "bilinear"
            )
            found = self._network(enlarged, training=False)
            features[rows] = ops.convert_to_numpy(found)
        return features
