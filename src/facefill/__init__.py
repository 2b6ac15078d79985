"""Train a face generator on your own photos, complete the missing parts of others."""

__version__ = "0.1.0"
