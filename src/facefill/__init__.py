"""Train a face generator on your own photos, complete the missing parts of others."""

from facefill.environment import speed_up_tensorflow

__version__ = "0.1.0"

speed_up_tensorflow()
