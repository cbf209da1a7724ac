"""A library that takes seconds to import, imported where a test first uses it, not by each process that collects it."""

import importlib
from importlib.util import find_spec
from typing import Any

import pytest


class Later:
    """A module that is imported with the first of its attributes."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # what pytest asks of all that a file has
            raise AttributeError(name)
        return getattr(importlib.import_module(self._name), name)


def later(name: str, needs: str | None = None) -> Any:
    """The module of that name; the tests of the file that asks are skipped where it, or what it needs, is missing."""
    missing = needs or name
    if not find_spec(missing):
        pytest.skip(f"{missing} is not installed", allow_module_level=True)
    return Later(name)
