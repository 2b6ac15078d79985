"""Train a face generator on your own photos, complete the missing parts of others."""

import os

__version__ = "0.1.0"

# TensorFlow uses oneDNN's kernels by itself only where a processor has AVX-512 with
# VNNI or more. With AVX2 alone they train, and search, nearly twice as fast as its own,
# whose transposed convolution from 4x4 to 8x8 pixels is two fifths of a step's work
# (benchmarks/profiles.py). It reads this when it is first imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
