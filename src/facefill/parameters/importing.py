"""Parameters of bringing an old model along."""

from facefill.parameters.blocks import Block


class ImportOptions(Block):
    """Which TensorFlow 1 checkpoint is imported.

    Attributes:
        path: Its prefix (``…/DCGAN.model-60502``), one of its files, or their folder;
            ``None`` is none, and ``import_checkpoint`` then asks for it.
    """

    path: str | None = None
