"""Import of Keras without the packages that it takes along where they are installed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# What Keras imports if it is there, for wrappers, plots and tables of its own.
_OPTIONAL = ("matplotlib", "pandas", "pyarrow", "sklearn")


@contextmanager
def without_optional_packages() -> Iterator[None]:
    """Let Keras be imported without what it takes along if it is installed.

    A third of the time of its import is that of scikit-learn, SciPy's statistics,
    pandas and Matplotlib, which no completion uses. Within, they are as if absent; they
    can be imported afterwards. What is loaded already stays.
    """
    hidden = [name for name in _OPTIONAL if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # what Python takes for absent
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
