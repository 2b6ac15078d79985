"""Train a face generator on your own photos, complete the missing parts of others.

The front door, each of its names loaded when it is first used::

    facefill.align(photo)
    facefill.complete(photo, mask, lam=0.1)
    facefill.sample(count)
    facefill.load_model("pretrained")
"""

from typing import TYPE_CHECKING, Any

from facefill.environment import choose_backend, quiet_tensorflow, speed_up_tensorflow

if TYPE_CHECKING:
    from facefill.api import FaceModel, align, complete, load_model, sample
    from facefill.completion.result import Completion

__version__ = "0.1.0"

__all__ = ["Completion", "FaceModel", "align", "complete", "load_model", "sample"]

choose_backend()
speed_up_tensorflow()


def __getattr__(name: str) -> Any:
    """Load a name of the front door; whatever costs time is imported then."""
    if name not in __all__:
        raise AttributeError(f"module 'facefill' has no attribute '{name}'")
    quiet_tensorflow()
    from facefill import api

    return getattr(api, name)


def __dir__() -> list[str]:
    """Names of the front door, whether they are loaded or not."""
    return sorted([*globals(), *__all__])
