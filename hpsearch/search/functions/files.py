"""From a function in Python to a file that a worker can read: the function, with all of its file that it uses.

May import workers. The file is in the workspace, under the hash of its text, so that a study that names it resumes and
is verified like any other, and a change of something else in a script or a notebook changes nothing.
"""

import ast
import builtins
import hashlib
import inspect
import symtable
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hpsearch.errors import InputError
from hpsearch.files import write_file
from hpsearch.workers.models.functions import NAME, check_signature, keep_here

FOLDER = "models/functions"
"""Where in the workspace these files are."""

SEARCHES = ("optimise", "optimize", "create_study", "launch")
"""Calls that a file must not make where it is imported."""

Function = Callable[..., Any]


class _NoSourceError(Exception):
    """A function that no file can have; the message says why, after "it"."""


def function_file(function: Function, workspace: Path) -> tuple[str, str | None]:
    """The function's name in a study, a file or this process, and in the latter case why it is no file.

    Raises InputError for what is no function of the parameters that it gets.
    """
    if not callable(function):
        raise InputError(f"objective must be a function, got {function!r:.80}")
    name = getattr(function, "__name__", type(function).__name__)
    name = name if name.isidentifier() else "function"
    check_signature("objective", function)
    try:
        text = source_of(function)
    except _NoSourceError as reason:
        return keep_here(name, function), str(reason)
    path = workspace / FOLDER / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:10]}.py"
    if not path.exists():
        write_file(path, text)
    return path.relative_to(workspace).as_posix(), None


def source_of(function: Function) -> str:
    """The text of a file that defines the function under the name `objective`. Raises _NoSourceError."""
    if not inspect.isfunction(function):
        raise _NoSourceError(f"is a {type(function).__name__}")
    if function.__name__ == "<lambda>":
        raise _NoSourceError("is a lambda expression")
    if function.__closure__ or function.__qualname__ != function.__name__:
        raise _NoSourceError(f"is defined inside {function.__qualname__.rpartition('.')[0].removesuffix('.<locals>')}")
    text, package = _module_text(function)
    try:
        tree = ast.parse(text)
    except SyntaxError:
        raise _NoSourceError("has a file that is not Python") from None
    chosen = _used(tree, function)
    lines = text.splitlines()
    parts = [_text_of(node, lines, package) for node in chosen]
    alias = [] if function.__name__ == NAME else [f"{NAME} = {function.__name__}"]
    return "\n".join([*dict.fromkeys(parts), *alias]) + "\n"


def _module_text(function: Function) -> tuple[str, str]:
    """The text that the function is in, and the package that relative imports in it are of."""
    module = sys.modules.get(function.__module__)
    cells = getattr(module, "_ih", None)
    if isinstance(cells, list):  # a notebook: the cells that have run
        return "\n\n".join(cell for cell in cells if _is_python(cell)), ""
    file = inspect.getsourcefile(function)
    if file is None or not Path(file).is_file():
        raise _NoSourceError("was typed, and is in no file")
    return Path(file).read_text("utf-8"), getattr(module, "__package__", "") or ""


def _is_python(cell: object) -> bool:
    try:
        return isinstance(cell, str) and bool(ast.parse(cell).body)
    except SyntaxError:
        return False


def _used(tree: ast.Module, function: Function) -> list[ast.stmt]:
    """The statements of a module that define the function and all that it uses, in their order."""
    statements = [node for node in tree.body if not _is_main(node)]
    bound = {id(node): set(_bound(node)) for node in statements}
    needed, chosen = {function.__name__}, set()
    while True:
        more = [node for node in statements if id(node) not in chosen and (bound[id(node)] & needed or _always(node))]
        if not more:
            break
        chosen |= {id(node) for node in more}
        needed |= {name for node in more for name in _needs(node)}
    found = [node for node in statements if id(node) in chosen]
    names = set().union(*(bound[id(node)] for node in found))
    if search := next((node for node in found if _searches(node)), None):
        used = sorted(bound[id(search)] & needed)[0]
        raise _NoSourceError(f"uses {used}, which a search at the top level of its file makes")
    if function.__name__ not in names:
        raise _NoSourceError("is not defined by its file as it is now")
    under_main = {name for node in tree.body if _is_main(node) for name in _bound(node)}
    if function.__module__ == "__main__" and (late := sorted(under_main & needed)):
        raise _NoSourceError(f"uses {late[0]}, which is assigned under `if __name__ == ...`")
    elsewhere = sorted((needed & function.__globals__.keys()) - names - set(dir(builtins)))
    if elsewhere and not any(_is_star(node) for node in found):
        raise _NoSourceError(f"uses {elsewhere[0]}, which its file does not define at the top level")
    return found


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and any(isinstance(n, ast.Name) and n.id == "__name__" for n in ast.walk(node.test))


def _is_star(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)


def _always(node: ast.stmt) -> bool:
    return _is_star(node) or (isinstance(node, ast.ImportFrom) and node.module == "__future__")


def _needs(node: ast.stmt) -> Iterator[str]:
    """The names of the module that a statement uses, also inside functions; their own variables are none of these."""
    table = symtable.symtable(ast.unparse(node), "objective", "exec")
    yield from (symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced())
    inner = list(table.get_children())
    while inner:
        scope = inner.pop()
        inner += scope.get_children()
        yield from (each.get_name() for each in scope.get_symbols() if each.is_global() and each.is_referenced())


def _searches(node: ast.stmt) -> bool:
    """Does a statement run a search when the file is imported, which would begin another one, and so on?"""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    called = (each.func for each in ast.walk(node) if isinstance(each, ast.Call))
    names = (each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "") for each in called)
    return any(name in SEARCHES for name in names)


def _bound(node: ast.AST) -> Iterator[str]:
    """The names that a statement binds in its module."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):  # of an item
        base: ast.expr = node
        while isinstance(base, ast.Subscript | ast.Attribute):
            base = base.value
        if isinstance(base, ast.Name):
            yield base.id
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            yield from _bound(child)


def _text_of(node: ast.stmt, lines: list[str], package: str) -> str:
    if isinstance(node, ast.ImportFrom) and node.level:
        parts = package.split(".")
        base = ".".join(parts[: len(parts) + 1 - node.level])
        node = ast.ImportFrom(".".join(filter(None, (base, node.module))), node.names, 0)
        return ast.unparse(node)
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    return "\n".join(lines[first - 1 : node.end_lineno])
