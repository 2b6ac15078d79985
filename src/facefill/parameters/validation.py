"""Validation of the parameters that Kedro read, as a whole.

Kedro reads YAML and ``--params`` into plain dictionaries, in which a typo is
silently a new key. ``resolve`` turns the whole dictionary into a ``Parameters``
once, before any work, and names the nearest valid key when one is unknown.
"""

import difflib
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from facefill.errors import ParameterError
from facefill.parameters import Parameters


def resolve(values: Mapping[str, Any]) -> Parameters:
    """Check all parameters of a run and fill in the defaults.

    Args:
        values: What Kedro read from YAML and ``--params``, nested by block.

    Returns:
        The parameters, complete.

    Raises:
        ParameterError: In one line, for the first fault: an unknown key with the
            nearest valid one, or a value with what was expected.
    """
    try:
        return Parameters.model_validate(_with_numbers(Parameters, dict(values)))
    except ValidationError as error:
        # Unknown names first: they explain what is missing elsewhere.
        faults = sorted(
            error.errors(), key=lambda fault: fault["type"] != "extra_forbidden"
        )
        raise ParameterError(_describe(dict(faults[0]))) from error


def _with_numbers(model: type[BaseModel], values: dict[str, Any]) -> dict[str, Any]:
    """Turn whole numbers into floats where floats are meant: ``lam:1`` is 1.0.

    YAML 1.1 also reads ``1e-3`` as text, which users mean as a number. And
    ``train.max_steps:1e3`` is a float that is whole.
    """
    converted = {}
    for key, value in values.items():
        field = model.model_fields.get(key)
        kind = field.annotation if field else None
        converted[key] = value
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if isinstance(value, dict):
                converted[key] = _with_numbers(kind, value)
        elif kind is float and isinstance(value, (int, str)):
            converted[key] = _as_float(value)
        elif isinstance(value, float) and value.is_integer() and _takes_int(kind):
            converted[key] = int(value)
    return converted


def _takes_int(annotation: Any) -> bool:
    """Whether a field is of whole numbers, or of them or None."""
    parts = {annotation, *get_args(annotation)}
    parts |= {inner for part in parts for inner in get_args(part)}
    return int in parts and float not in parts


def _as_float(value: int | str) -> float | int | str:
    if isinstance(value, bool):
        return value
    try:
        return float(value)
    except (ValueError, OverflowError):
        return value


def _describe(fault: dict[str, Any]) -> str:
    path = [str(part) for part in fault["loc"]]
    key = ".".join(path)
    if fault["type"] == "extra_forbidden":
        return f"unknown parameter '{key}'; did you mean '{_nearest_key(key)}'?"
    message = str(fault["msg"]).removeprefix("Value error, ")
    if not key:
        return message
    return f"parameter '{key}' is {fault['input']!r}: {message}"


def _nearest_key(key: str) -> str:
    def likeness(valid: str) -> float:
        # `complete.lam` is likelier `lam` in a wrong place than another `complete.*`.
        pairs = (key, valid), (key.rpartition(".")[2], valid.rpartition(".")[2])
        whole, last = (difflib.SequenceMatcher(None, *pair).ratio() for pair in pairs)
        return max(whole, 0.95 * last)

    return max(valid_keys(), key=likeness)


def valid_keys(model: type[BaseModel] = Parameters, prefix: str = "") -> list[str]:
    """List every parameter, nested ones with dots: ``train.max_steps``."""
    keys = []
    for name, field in model.model_fields.items():
        keys.append(prefix + name)
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys += valid_keys(kind, f"{prefix}{name}.")
    return keys
