"""A Keras model as a ``.keras`` file."""

from typing import TYPE_CHECKING

from facefill import model_files
from facefill.datasets.local import LocalDataset
from facefill.files import replacing

if TYPE_CHECKING:
    import keras


class KerasModelDataset(LocalDataset["keras.Model", "keras.Model"]):
    """A Keras model, saved atomically and checked before it is loaded."""

    def load(self) -> "keras.Model":
        """Load the model, without an optimiser; code in the file is not run.

        Raises:
            ModelError: If it is absent, damaged or no model.
        """
        return model_files.read_model(self._path)

    def require(self) -> None:
        """Check that there is a model, before a run spends time on its photos.

        Raises:
            ModelError: If there is none.
        """
        model_files.require_model(self._path)

    def save(self, data: "keras.Model") -> None:
        """Replace the model."""
        with replacing(self._path, suffix=".keras") as temporary:
            data.save(temporary)
