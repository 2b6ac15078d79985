"""A Keras model as a ``.keras`` file."""

from typing import TYPE_CHECKING, Any

from facefill.datasets.local import LocalFileDataset
from facefill.models import files, pretrained
from facefill.models.sources import ModelSelection
from facefill.parameters.choices import Network, Source

if TYPE_CHECKING:
    import keras


class KerasModelDataset(LocalFileDataset["keras.Model", "keras.Model"]):
    """A Keras model, saved atomically and checked before it is loaded.

    Args:
        filepath: The file.
        pretrained: Network shipped with facefill that may be loaded instead, if any.
        metadata: Kept for other tools; Kedro does not read it.

    Attributes:
        pretrained: As given.
    """

    def __init__(
        self,
        *,
        filepath: str,
        pretrained: Network | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Store the path; nothing is read or made."""
        super().__init__(filepath=filepath, metadata=metadata)
        self.pretrained = pretrained
        self.selection = ModelSelection("trained", [self._path], image_size=0)

    @property
    def source(self) -> Source:
        """Origin of the network that ``load`` returns.

        Raises:
            ModelError: If there is no such network.
        """
        return "trained" if self.pretrained is None else self.selection.decide()

    def follow(self, selection: ModelSelection) -> None:
        """Load from where a selection says, which the two networks of a GAN share.

        Without one the file is loaded.
        """
        self.selection = selection

    def load(self) -> "keras.Model":
        """Load the model, without an optimiser; code in the file is not run.

        Raises:
            ModelError: If it is absent, damaged or no model.
        """
        if self.pretrained is None or self.source == "trained":
            return files.read_model(self._path)
        return pretrained.load(self.pretrained)

    def save(self, data: "keras.Model") -> None:
        """Replace the model."""
        files.write_model(data, self._path)
