"""Reading of pickles that hold nothing but nested dictionaries of float32 arrays.

Unpickling runs what a file says. Here its instructions are only listed, by Python's
disassembler, and those that such dictionaries need are followed on a stack of plain
values: no function of the file's choice is ever called, nor any class made.

Synopsis::

    arrays = read_arrays(Path("alexnet.ckpt").read_bytes())
    arrays["AlexNet_0"]["Conv_0"]["kernel"].shape  # (11, 11, 3, 64)
"""

import pickletools
from collections.abc import Callable
from typing import Any

import numpy as np

from facefill.errors import ModelError

_RECONSTRUCT = "numpy.core.multiarray _reconstruct"
_ARRAY = "numpy ndarray"
_DTYPE = "numpy dtype"
_FLOAT32 = "f4"
_LITERALS = {
    "BINUNICODE",
    "BINBYTES",
    "SHORT_BINBYTES",
    "BININT",
    "BININT1",
    "BININT2",
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_SILENT = {"PROTO", "FRAME", "STOP"}


def read_arrays(content: bytes) -> dict[str, Any]:
    """Read a pickle of nested dictionaries of arrays.

    Args:
        content: The pickle, of protocol 2 to 4.

    Returns:
        Dictionaries by name, of dictionaries or of float32 arrays, which are read-only.

    Raises:
        ModelError: If the pickle is damaged, or holds anything else.
    """
    machine = _Machine()
    try:
        for instruction, argument, _ in pickletools.genops(content):
            machine.follow(instruction.name, argument)
        (result,) = machine.stack
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"no pickle of float32 arrays: {error}") from error
    found = _arrays_of(result)
    if not isinstance(found, dict):
        raise ModelError("no pickle of dictionaries of arrays")
    return found


class _Array:
    """An array of which the shape and the values are still to come."""

    def __init__(self) -> None:
        self.values = np.empty(0, np.float32)

    def build(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, is_fortran, values = state
        if not isinstance(dtype, _Dtype) or is_fortran:
            raise ValueError("an array that is not float32 in C's order")
        self.values = np.frombuffer(values, dtype.found).reshape(shape)


class _Dtype:
    """The type float32, of which the byte order is still to come."""

    def __init__(self, name: str) -> None:
        if name != _FLOAT32:
            raise ValueError(f"arrays of {name}")
        self.found = np.dtype(name)

    def build(self, state: tuple[Any, ...]) -> None:
        if state[1] != "<":
            raise ValueError(f"byte order {state[1]}")


class _Machine:
    """The stack, marks and memory of a pickle."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memory: dict[int, Any] = {}
        self._instructions: dict[str, Callable[[Any], None]] = {
            "EMPTY_DICT": lambda _: self.stack.append({}),
            "GLOBAL": self._name,
            "MARK": self._mark,
            "BINPUT": self._remember,
            "LONG_BINPUT": self._remember,
            "BINGET": lambda place: self.stack.append(self._memory[place]),
            "LONG_BINGET": lambda place: self.stack.append(self._memory[place]),
            "TUPLE": self._marked_tuple,
            "TUPLE1": lambda _: self._tuple(1),
            "TUPLE2": lambda _: self._tuple(2),
            "TUPLE3": lambda _: self._tuple(3),
            "REDUCE": self._reduce,
            "BUILD": self._build,
            "SETITEM": lambda _: self._set([self._pop(2)]),
            "SETITEMS": lambda _: self._set(self._pairs()),
        }

    def follow(self, name: str, argument: Any) -> None:
        """Follow one instruction."""
        if name in _LITERALS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name not in _SILENT:
            if name not in self._instructions:
                raise ValueError(f"the instruction {name}")
            self._instructions[name](argument)

    def _name(self, name: str) -> None:
        if name not in (_RECONSTRUCT, _ARRAY, _DTYPE):
            raise ValueError(f"the name {name}")
        self.stack.append(name)

    def _mark(self, _: None) -> None:
        self._below.append(self.stack)
        self.stack = []

    def _since_mark(self) -> list[Any]:
        found, self.stack = self.stack, self._below.pop()
        return found

    def _pop(self, count: int) -> tuple[Any, ...]:
        return tuple(self.stack.pop() for _ in range(count))[::-1]

    def _remember(self, place: int) -> None:
        self._memory[place] = self.stack[-1]

    def _tuple(self, count: int) -> None:
        self.stack.append(self._pop(count))

    def _marked_tuple(self, _: None) -> None:
        items = self._since_mark()
        self.stack.append(tuple(items))

    def _reduce(self, _: None) -> None:
        called, arguments = self._pop(2)
        if called == _RECONSTRUCT and arguments[0] == _ARRAY:
            self.stack.append(_Array())
        elif called == _DTYPE:
            self.stack.append(_Dtype(arguments[0]))
        else:
            raise ValueError(f"a call of {called}")

    def _build(self, _: None) -> None:
        (state,) = self._pop(1)
        self.stack[-1].build(state)

    def _pairs(self) -> list[tuple[Any, ...]]:
        items = self._since_mark()
        return list(zip(items[::2], items[1::2], strict=True))

    def _set(self, pairs: list[tuple[Any, ...]]) -> None:
        self.stack[-1].update(pairs)


def _arrays_of(value: Any) -> Any:
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {name: _arrays_of(each) for name, each in value.items()}
    if isinstance(value, _Array):
        return value.values
    raise ModelError(f"a pickle with a {type(value).__name__} where an array should be")
