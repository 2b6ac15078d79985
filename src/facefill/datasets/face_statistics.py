"""Principal components of faces as one file, or those shipped with facefill."""

from typing import TYPE_CHECKING

from facefill.datasets.local import LocalFileDataset
from facefill.errors import ModelError
from facefill.runtime.files import write_bytes

if TYPE_CHECKING:
    from facefill.models.face_pca import FacePca


class FaceStatisticsDataset(LocalFileDataset["FacePca", "FacePca | None"]):
    """Mean and principal components of the training faces.

    They do not depend on the generator, so that those shipped with facefill serve
    until a training has measured its own.
    """

    def load(self) -> "FacePca | None":
        """Read the file, or what is shipped with facefill; None if neither is there.

        Raises:
            ModelError: If it is damaged.
        """
        from facefill.models import pretrained
        from facefill.models.face_pca import FacePca

        if not self._path.is_file():
            content = pretrained.read_statistics()
            return None if content is None else FacePca.unpacked(content)
        try:
            return FacePca.unpacked(self._path.read_bytes())
        except (OSError, ModelError) as error:
            raise ModelError(
                f"{self._path} is damaged ({error}); run the pipeline train again"
            ) from error

    def save(self, data: "FacePca") -> None:
        """Replace the file."""
        write_bytes(self._path, data.packed())
