"""A Keras model as a ``.keras`` file."""

import zipfile
from typing import TYPE_CHECKING

from facefill.datasets.local import LocalDataset
from facefill.errors import ModelError
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
        self._check()
        import keras

        try:
            return keras.saving.load_model(self._path, compile=False, safe_mode=True)
        # Keras raises what a wrong file leads it to: ValueError, TypeError, KeyError.
        except Exception as error:
            raise ModelError(
                f"{self._path} holds no model of ours ({error}); {self._cure}"
            ) from error

    def require(self) -> None:
        """Check that there is a model, before a run spends time on its photos.

        Raises:
            ModelError: If there is none.
        """
        if not self._path.is_file():
            raise ModelError(f"no model at {self._path}; {self._cure}")

    def save(self, data: "keras.Model") -> None:
        """Replace the model."""
        with replacing(self._path, suffix=".keras") as temporary:
            data.save(temporary)

    _cure = "run `kedro run --pipeline=train` first"

    def _check(self) -> None:
        self.require()
        try:
            with zipfile.ZipFile(self._path) as archive:
                damaged = archive.testzip()
        except (zipfile.BadZipFile, OSError, EOFError) as error:
            raise ModelError(f"the model {self._path} is damaged: {error}") from error
        if damaged is not None:
            raise ModelError(f"the model {self._path} is damaged in its {damaged}")
