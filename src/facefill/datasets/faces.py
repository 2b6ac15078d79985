"""Training set: arrays of faces, and a table beside them."""

from typing import TYPE_CHECKING, Any

from facefill.datasets.local import LocalFileDataset
from facefill.datasets.previews import preview_of
from facefill.parameters.defaults import FACES_PER_FILE

if TYPE_CHECKING:
    from kedro_datasets._typing import ImagePreview

    from facefill.preparation.face_set import FaceSet

MAX_PREVIEWED = 64
"""Faces in a preview at most."""


class FaceArrayDataset(LocalFileDataset["FaceSet", "FaceSet"]):
    """Faces in ``.npy`` files that are mapped into memory, and a ``.parquet``."""

    def __init__(
        self,
        *,
        filepath: str,
        faces_per_file: int = FACES_PER_FILE,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Store the path of the first array; the further ones lie beside it.

        Args:
            filepath: ``faces.npy``; the next is ``faces.0001.npy``.
            faces_per_file: Faces in one array at most.
            metadata: Kedro's, kept as it is.
        """
        super().__init__(filepath=filepath, metadata=metadata)
        self._faces_per_file = faces_per_file

    def load(self) -> "FaceSet":
        """Map the arrays and read the table.

        Raises:
            DataError: If one is absent or damaged, or they are of several sets.
        """
        from facefill.preparation.face_set import read_face_set

        return read_face_set(self._path)

    def save(self, data: "FaceSet") -> None:
        """Replace all files."""
        from facefill.preparation.face_set import write_face_set

        write_face_set(self._path, data, self._faces_per_file)

    def preview(self) -> "ImagePreview":
        """Sheet of the first faces, for Kedro-Viz."""
        import numpy as np

        from facefill.imaging.pictures import grid

        return preview_of(grid(np.asarray(self.load().images[:MAX_PREVIEWED])))

    def _exists(self) -> bool:
        return self._path.is_file() and self._path.with_suffix(".parquet").is_file()
