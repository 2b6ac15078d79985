"""Defaults that code beside the parameters needs too."""

MAX_PIXELS = 25_000_000
"""Pixels of a photo."""

MAX_BYTES = 200_000_000
"""Bytes of a photo's file."""

FACES_PER_FILE = 2**18
"""Faces in one array of the training set: 3.2 GB at 64 pixels."""

CENTER_SCALE = 0.25
"""The centre hole spans ``[scale, 1 - scale)`` of each side."""

RANDOM_FRACTION = 0.2
"""Share of the pixels that the masks ``random`` and ``pattern`` hide."""

STROKES = 4
"""Strokes of the mask ``strokes``."""

FIT_NOISE = 50.0
"""Standard deviation of a face's pixels about its principal components, grey levels."""

FIDELITY = 0.7
"""Share of the picture in a completed face, the rest being the likely mean."""
