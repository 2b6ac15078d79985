"""A Keras model as a ``.keras`` file."""

from typing import TYPE_CHECKING, Any, Literal

from facefill.datasets.local import LocalDataset
from facefill.models import files, pretrained
from facefill.runtime.files import replacing

if TYPE_CHECKING:
    import keras


class KerasModelDataset(LocalDataset["keras.Model", "keras.Model"]):
    """A Keras model, saved atomically and checked before it is loaded.

    Args:
        path: The file.
        pretrained: The network that comes with facefill and may be loaded instead,
            if there is one.
        metadata: Kept for other tools; Kedro does not read it.

    Attributes:
        pretrained: As given.
        source: Where ``load`` takes the model from. ``hooks.models.ModelHooks`` sets it
            before a run, by the parameter ``model``.
    """

    def __init__(
        self,
        *,
        path: str,
        pretrained: Literal["generator", "discriminator"] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Note the path; nothing is read or made."""
        super().__init__(path=path, metadata=metadata)
        self.pretrained = pretrained
        self.source: Literal["trained", "pretrained"] = "trained"

    def load(self) -> "keras.Model":
        """Load the model, without an optimiser; code in the file is not run.

        Raises:
            ModelError: If it is absent, damaged or no model.
        """
        if self.source == "trained" or self.pretrained is None:
            return files.read_model(self._path)
        return pretrained.load(self.pretrained)

    def save(self, data: "keras.Model") -> None:
        """Replace the model."""
        with replacing(self._path, suffix=".keras") as temporary:
            data.save(temporary)
