"""A user's Python file as a module, made from its text. May import the standard library."""

import sys
from pathlib import Path
from types import ModuleType


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
