"""Every error that a user can cause, in one tree.

    FacefillError
    ├── ParameterError     a parameter: unknown name, wrong type, out of range
    ├── PhotoError         one photo that cannot be used; carries a short reason
    ├── DataError          a data set that cannot be used: empty, too small, changed
    ├── MaskError          a mask that cannot be used: size, values, no such shape
    ├── ModelError         a model file: absent, damaged, of another shape
    ├── CheckpointError    a training state: damaged, or of another training
    ├── BusyError          another run is at the same work
    ├── StorageError       a file or folder that cannot be written: full, read-only
    ├── TrackingError      MLflow cannot be used
    └── TrainingError      training that cannot go on
        └── NonFiniteError a loss became NaN or infinite

The command line prints any of them as one line and exits with 1; every other
exception is a defect and keeps its traceback.
"""


class FacefillError(Exception):
    """Base of every error that a user can cause and cure."""


class ParameterError(FacefillError):
    """A parameter has an unknown name, a wrong type or a value out of range."""


class PhotoError(FacefillError):
    """One photo cannot be used.

    Attributes:
        reason: One lower-case word for the manifest, such as ``truncated``.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        """Keep the reason apart from the sentence that explains it."""
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type["PhotoError"], tuple[str, str]]:
        """Rebuild from both parts, since workers send errors between processes."""
        return type(self), (self.reason, self.detail)


class DataError(FacefillError):
    """A data set is empty, too small or not the one that was expected."""


class MaskError(FacefillError):
    """A mask has a wrong size, or no shape of that name exists."""


class ModelError(FacefillError):
    """A model file is absent, damaged or of another shape."""


class CheckpointError(FacefillError):
    """A training state is damaged or belongs to another training."""


class BusyError(FacefillError):
    """Another run is at the same work in the same folder."""


class StorageError(FacefillError):
    """A file or folder cannot be read or written: no space, no permission."""


class TrackingError(FacefillError):
    """MLflow cannot be used."""


class TrainingError(FacefillError):
    """Training cannot go on."""


class NonFiniteError(TrainingError):
    """A loss became NaN or infinite."""


def find_cause(
    error: BaseException | None,
    kinds: type[BaseException] | tuple[type[BaseException], ...] = FacefillError,
) -> BaseException | None:
    """Find the first error of some kinds that ``error`` was raised from, or itself.

    Kedro wraps what datasets raise into an error of its own.
    """
    while error is not None and not isinstance(error, kinds):
        error = error.__cause__
    return error
