"""Base class of parameter blocks, and the rule by which presets fill them."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(ge=1)]


class Block(BaseModel):
    """A group of parameters: closed, strictly typed, immutable."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False
    )


def with_preset(
    values: Mapping[str, Any],
    presets: Mapping[str, Mapping[str, Any]],
    base: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Fill in the parameters that are left to the preset, before they are checked.

    Args:
        values: Parameters of a block as they were given. ``None`` leaves a parameter
            that some preset sets to the preset; any other value wins over it.
        presets: Values of each preset, by its name.
        base: Values that hold unless the preset sets them otherwise.

    Returns:
        The values, without those that were left to a preset which sets nothing: the
        defaults of the block hold for them.
    """
    preset = values.get("preset")
    # Another type than text, which has no hash perhaps, is refused later.
    chosen = presets.get(preset, {}) if isinstance(preset, str) else {}
    governed = {key for preset_values in presets.values() for key in preset_values}
    given = {
        key: value
        for key, value in values.items()
        if value is not None or key not in governed
    }
    return {**(base or {}), **chosen, **given}
