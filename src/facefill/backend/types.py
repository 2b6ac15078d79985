"""The types that every network module shares."""

from typing import Any

Tensor = Any
"""An array of whichever backend runs."""
