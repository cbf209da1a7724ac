"""Reads pickles of arrays, bytes, strings, numbers, lists and dicts, and runs no code of theirs. May import NumPy.

A pickle is a program: loading one calls any function that it names. Here the few names in NumPy's own pickles map to
functions of this file, so that not even NumPy's code runs on untrusted arguments. Every other name is refused.
"""

import io
import math
import pickle
import pickletools
import re
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

_PLAIN_TYPE = re.compile(r"b1|[iu][1248]|f[248]")
_MOST_TUPLES = 30_000  # Python 3 writes one for each of 10,000 file names


class RefusedError(Exception):
    """A pickle names something that is not allowed; `str(error)` says what."""


def unpickle(raw: bytes) -> Any:
    """Return what `raw` holds; arrays come as `PickledArray`, strings of Python 2 as bytes.

    Raises `RefusedError` for a pickle that calls a function, and for one that is truncated, corrupt or no pickle.
    """
    try:
        _check_program(raw)
        return _Unpickler(io.BytesIO(raw), encoding="bytes").load()
    except RefusedError:
        raise
    except Exception as error:  # corrupt opcodes raise nearly every type of exception
        raise RefusedError("not a complete pickle: truncated or corrupt") from error


def _check_program(raw: bytes) -> None:
    """Parse the pickle without running it, which raises if it is truncated or gives lengths beyond its end.

    Python's fast unpickler trusts lengths and memo numbers: a damaged pickle can make it allocate gigabytes. A tuple
    nested some 100,000 deep ends the process once it is hashed.
    """
    tuples = 0
    for place, (opcode, argument, _position) in enumerate(pickletools.genops(raw)):
        tuples += opcode.name.startswith("TUPLE")
        if tuples > _MOST_TUPLES:
            raise ValueError("more tuples than a batch has")
        if opcode.name in ("PUT", "LONG_BINPUT") and int(argument or 0) > place:  # each entry takes an opcode
            raise ValueError(f"memo number {argument}")


class PickledArray:
    """Replaces an array while it is unpickled; `values` is the array once its state has been read."""

    def __init__(self) -> None:
        self.values: npt.NDArray[Any] | None = None

    def __setstate__(self, state: Any) -> None:
        _version, shape, dtype, fortran, raw = state
        self.values = _array(raw, dtype, shape, "F" if fortran else "C")


class _PickledType:
    """Replaces a dtype of plain numbers; objects, structures and strings are refused."""

    def __init__(self, code: Any, *_flags: Any) -> None:
        text = _text(code)
        if not _PLAIN_TYPE.fullmatch(text):
            raise RefusedError(f"an array of type {printable(text)} is refused: only plain numbers are read")
        self.dtype = np.dtype(text)

    def __setstate__(self, state: Any) -> None:
        self.dtype = self.dtype.newbyteorder(_text(state[1]))


class _Allowed:
    """A function that a pickle may call. Its state cannot be set, so a pickle cannot change it for the next one."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setstate__(self, state: Any) -> NoReturn:
        raise RefusedError("a pickle that alters a function is refused")


def _text(value: Any) -> Any:
    """A string as Python 2 pickled it, or as it is."""
    return value.decode("latin1") if isinstance(value, bytes) else value


def _array(raw: Any, dtype: Any, shape: Any, order: Any) -> npt.NDArray[Any]:
    if not (isinstance(raw, bytes | bytearray) and isinstance(dtype, _PickledType) and order in ("C", "F")):
        raise RefusedError("an array that is not made of plain numbers is refused")
    if not all(type(length) is int and length >= 0 for length in shape):
        raise RefusedError("an array with an impossible shape is refused")
    if math.prod(shape) * dtype.dtype.itemsize != len(raw):
        raise RefusedError("an array whose shape does not fit its bytes is refused")
    return np.frombuffer(raw, dtype.dtype).reshape(shape, order=order)


def _from_buffer(raw: Any, dtype: Any, shape: Any, order: Any) -> PickledArray:
    array = PickledArray()
    array.values = _array(raw, dtype, shape, order)
    return array


def _scalar(dtype: Any, raw: Any) -> Any:
    return _array(raw, dtype, (), "C").item()


def _encode(text: Any, encoding: Any) -> bytes:
    """Bytes as Python 3 writes them in protocols up to 2; other codecs could unpack megabytes from a few bytes."""
    if not (isinstance(text, str) and encoding == "latin1"):
        raise RefusedError("a pickle that calls _codecs.encode for anything but latin1 is refused")
    return text.encode("latin1")


def _empty_array(*_arguments: Any) -> PickledArray:
    return PickledArray()


def _no_bytes() -> bytes:
    return b""


_ALLOWED = {
    ("_codecs", "encode"): _Allowed(_encode),
    ("__builtin__", "bytes"): _Allowed(_no_bytes),  # how protocol 2 writes b""
    ("numpy", "ndarray"): _Allowed(_empty_array),
    ("numpy", "dtype"): _Allowed(_PickledType),
}
for _core in ("numpy.core", "numpy._core"):  # before and since NumPy 2
    _ALLOWED[f"{_core}.multiarray", "_reconstruct"] = _Allowed(_empty_array)
    _ALLOWED[f"{_core}.multiarray", "scalar"] = _Allowed(_scalar)
    _ALLOWED[f"{_core}.numeric", "_frombuffer"] = _Allowed(_from_buffer)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        allowed = _ALLOWED.get((module, name))
        if allowed is None:
            raise RefusedError(f"a pickle that calls {printable(f'{module}.{name}')} is refused")
        return allowed


def printable(text: str) -> str:
    """Return text from an untrusted file as one short line."""
    return ascii(text)[1:-1][:80]
