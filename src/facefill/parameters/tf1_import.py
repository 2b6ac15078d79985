"""Parameters of importing a TensorFlow 1 checkpoint."""

from facefill.parameters.blocks import Block


class ImportOptions(Block):
    """TensorFlow 1 checkpoint to import.

    Attributes:
        path: Its prefix (``…/DCGAN.model-60502``), one of its files, or their folder;
            ``None`` is none, and ``import_checkpoint`` then asks for it.
    """

    path: str | None = None
