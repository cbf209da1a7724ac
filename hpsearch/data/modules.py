"""A user's Python file as a module, made from its text. May import the standard library."""

import stat
import sys
from pathlib import Path
from types import ModuleType

MAX_BYTES = 10_000_000
"""The largest size of a Python file."""


def readable(path: Path) -> Path:
    """Return the path of a Python file before it is read. Raises OSError for one that has no end, or a huge one."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise OSError("is a device, a pipe or a socket")
    if found.st_size > MAX_BYTES and not stat.S_ISDIR(found.st_mode):
        raise OSError(f"must have at most {MAX_BYTES:_} bytes, has {found.st_size:_}")
    return path


def module_of(path: Path, text: str, name: str) -> ModuleType:
    """Run the text of the file at `path`; whatever it raises passes through.

    The module is in `sys.modules` only while it runs, because dataclasses look it up there. Nothing of it is ever
    pickled by that name.
    """
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    try:
        exec(compile(text, str(path), "exec", dont_inherit=True), module.__dict__)
    finally:
        sys.modules.pop(name, None)
    return module
