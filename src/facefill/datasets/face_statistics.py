"""Principal components of faces as one file, or those shipped with facefill."""

from typing import TYPE_CHECKING

from facefill.datasets.local import LocalFileDataset
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
        from facefill.models.files import read_trained

        measured = read_trained(self._path, FacePca.unpacked)
        return pretrained.load_statistics() if measured is None else measured

    def save(self, data: "FacePca") -> None:
        """Replace the file."""
        write_bytes(self._path, data.packed())
