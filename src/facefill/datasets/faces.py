"""The training set: one array of faces, and a table beside it."""

from typing import TYPE_CHECKING

from facefill.datasets.local import LocalDataset

if TYPE_CHECKING:
    from facefill.flattening import FaceSet


class FaceArrayDataset(LocalDataset["FaceSet", "FaceSet"]):
    """Faces in an ``.npy`` that is mapped into memory, and a ``.parquet`` beside."""

    def load(self) -> "FaceSet":
        """Map the array and read the table.

        Raises:
            DataError: If either is absent or damaged, or they are of two sets.
        """
        from facefill.flattening import read_face_set

        return read_face_set(self._path)

    def save(self, data: "FaceSet") -> None:
        """Replace both files."""
        from facefill.flattening import write_face_set

        write_face_set(self._path, data)

    def _exists(self) -> bool:
        return self._path.is_file() and self._path.with_suffix(".parquet").is_file()
