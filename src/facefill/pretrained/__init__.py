"""The model that comes with facefill, and its card (``MODEL_CARD.md``).

Synopsis::

    models = load_pair()  # both networks, checked by their hashes

Each network is one ``.npz``, read without pickle: kernels as float16, which halves
the files, biases and statistics as float32, whose range float16 lacks.
``manifest.json`` holds what the networks are built by, and the SHA-256 of each file,
checked before a byte of it is used.
"""

from facefill.pretrained.loading import (
    ENCODER,
    ENCODER_MANIFEST,
    MANIFEST,
    STATISTICS,
    STATISTICS_MANIFEST,
    Manifest,
    Network,
    load,
    load_encoder,
    load_pair,
    read_manifest,
    read_statistics,
    require_manifest,
    unpack,
)

__all__ = [
    "ENCODER",
    "ENCODER_MANIFEST",
    "MANIFEST",
    "STATISTICS",
    "STATISTICS_MANIFEST",
    "Manifest",
    "Network",
    "load",
    "load_encoder",
    "load_pair",
    "read_manifest",
    "read_statistics",
    "require_manifest",
    "unpack",
]
