"""Constraints: conditions on hyperparameters, read by Python's grammar but never run as Python.

Each node of the syntax tree that is allowed becomes a function of the hyperparameters' values; any other is refused.
May import this folder's `operations`.
"""

import ast
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hpsearch.spec.spaces.operations import (
    ABSENT,
    ARITHMETIC,
    FUNCTIONS,
    OF_LISTS,
    ORDER,
    WORDS,
    ConstraintError,
    Evaluate,
    Values,
    arithmetic,
    both,
    either,
    equality,
    is_number,
    membership,
    value_of,
)

LONGEST = 500
"""The most characters of a constraint, which bounds the depth of its syntax tree."""

_STANDS_FOR_LAMBDA = "λambda"
"""As long as the hyperparameter's name, which is a keyword of Python, so that columns stay the same."""


@dataclass(frozen=True)
class Constraint:
    """A condition that a configuration must keep."""

    text: str
    names: tuple[tuple[str, int], ...]
    """The hyperparameters that it names, each with the column of its name."""
    evaluate: Evaluate
    """Returns True or False, or ABSENT where that depends on a hyperparameter that there is not; may raise."""

    def breaks(self, values: Values) -> bool:
        """Tell whether a configuration breaks the constraint, also by a value with which it cannot be computed.

        What depends on a hyperparameter that the configuration does not have is not broken.
        """
        try:
            return self.evaluate(values) is False
        except (ConstraintError, ArithmeticError, ValueError):  # such as a division by zero
            return True


@lru_cache(maxsize=1000)
def constraint(text: str) -> Constraint:
    """Read a constraint. Raises ConstraintError."""
    if len(text) > LONGEST:
        raise ConstraintError(f"must have at most {LONGEST} characters, got {len(text)}")
    body = re.sub(r"'[^']*'|\"[^\"]*\"|\blambda\b", _without_keyword, text.replace("\n", " "))
    start = len(body) - len(body.lstrip())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in a text
            tree = ast.parse(body[start:], mode="eval").body
    except SyntaxError as error:
        at = f" at column {error.offset + start}" if error.offset else ""
        raise ConstraintError(f"is no condition: {error.msg.partition('. ')[0]}{at}") from None
    except (ValueError, RecursionError, MemoryError):
        raise ConstraintError("is no condition that can be read") from None
    reader = _Reader(body, start)
    evaluate = reader.read(tree)
    return Constraint(text, tuple(reader.names), evaluate)


def _without_keyword(found: re.Match[str]) -> str:
    return _STANDS_FOR_LAMBDA if found[0] == "lambda" else found[0]


ALLOWED = f"numbers, texts, lists, + - * / // % **, comparisons, in, and, or, not, and {', '.join(FUNCTIONS)}"
"""What a constraint is made of, beside the names of hyperparameters."""


class _Reader:
    """Turns a syntax tree into a function, and collects the names in it."""

    def __init__(self, text: str, start: int) -> None:
        self._bytes, self._start = text[start:].encode(), start
        self.names: list[tuple[str, int]] = []

    def _column(self, node: ast.expr) -> int:
        return len(self._bytes[: node.col_offset].decode()) + self._start + 1

    def _refused(self, node: ast.expr, what: str) -> ConstraintError:
        what = what.replace(_STANDS_FOR_LAMBDA, "lambda")
        return ConstraintError(f"must not have {what} at column {self._column(node)}; allowed are {ALLOWED}")

    def read(self, node: ast.expr) -> Evaluate:
        """Return the function that computes a node."""
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as value):
                return lambda _: value
            case ast.Name() | ast.Attribute():
                return self._name(node)
            case ast.BoolOp(op=op, values=parts):
                conditions = [self._condition(part) for part in parts]
                return either(conditions) if isinstance(op, ast.Or) else both(conditions)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self._condition(operand)
                return lambda values: ABSENT if (found := inner(values)) is ABSENT else not found
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                number, factor = self._number(operand), -1 if isinstance(sign, ast.USub) else 1
                return lambda values: ABSENT if (found := number(values)) is ABSENT else factor * found
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                return arithmetic(ARITHMETIC[type(op)], self._number(left), self._number(right))
            case ast.Compare():
                return self._comparison(node)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                members = [self.read(item) for item in items]
                return lambda values: [member(values) for member in members]
            case ast.Call(func=ast.Name(id=name), args=given, keywords=[]) if name in FUNCTIONS and given:
                return self._call(node, name, given)
            case ast.Call(func=function):
                raise self._refused(node, f"a call of {ast.unparse(function)!r}")
            case ast.Subscript(slice=ast.Constant(value=int() as index)):
                return self._item(node, index)
            case ast.Subscript(slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as index))):
                return self._item(node, -index)
        raise self._refused(node, repr(ast.unparse(node)[:40]))

    def _name(self, node: ast.expr) -> Evaluate:
        parts: list[str] = []
        inner = node
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name):
            raise self._refused(node, repr(ast.unparse(node)[:40]))
        name = ".".join([inner.id, *reversed(parts)]).replace(_STANDS_FOR_LAMBDA, "lambda")
        if name in WORDS:
            word = WORDS[name]
            return lambda _: word
        self.names.append((name, self._column(node)))
        return lambda values: value_of(values, name)

    def _checked(
        self, node: ast.expr, fits: Callable[[Any], bool], what: str, read: Evaluate | None = None
    ) -> Evaluate:
        """Compute a node, which may have been read already, whose value must be of a kind."""
        inner, column = read or self.read(node), self._column(node)

        def evaluate(values: Values) -> Any:
            found = inner(values)
            if found is ABSENT or fits(found):
                return found
            shown = str(found) if isinstance(found, bool) else repr(found)
            raise ConstraintError(f"needs {what} at column {column}, got {shown[:40]}")

        return evaluate

    def _number(self, node: ast.expr, read: Evaluate | None = None) -> Evaluate:
        return self._checked(node, is_number, "a number", read)

    def _condition(self, node: ast.expr) -> Evaluate:
        return self._checked(node, lambda found: isinstance(found, bool), "something that is true or false")

    def _comparison(self, node: ast.Compare) -> Evaluate:
        operands = [node.left, *node.comparators]
        read = [self.read(operand) for operand in operands]
        tests = []
        for i, op in enumerate(node.ops):
            left, right = read[i], read[i + 1]
            if isinstance(op, ast.Eq | ast.NotEq):
                tests.append(equality(left, right, isinstance(op, ast.Eq)))
            elif isinstance(op, ast.In | ast.NotIn):
                listed = self._checked(operands[i + 1], _is_list, "a list", right)
                tests.append(membership(left, listed, isinstance(op, ast.In)))
            elif type(op) in ORDER:
                tests.append(
                    arithmetic(ORDER[type(op)], self._number(operands[i], left), self._number(operands[i + 1], right))
                )
            else:
                raise self._refused(node, "'is'")
        return tests[0] if len(tests) == 1 else both(tests)

    def _call(self, node: ast.expr, name: str, given: list[ast.expr]) -> Evaluate:
        function = FUNCTIONS[name]
        if len(given) == 1 and name in OF_LISTS:
            listed = self._checked(given[0], _is_list, "a list")
            return lambda values: ABSENT if (found := listed(values)) is ABSENT else function(found)
        if len(given) > 1 and name not in ("max", "min"):
            raise self._refused(node, f"several arguments of {name!r}")
        numbers = [self._number(each) for each in given]

        def evaluate(values: Values) -> Any:
            found = [number(values) for number in numbers]
            return ABSENT if ABSENT in found else function(*found)

        return evaluate

    def _item(self, node: ast.Subscript, index: int) -> Evaluate:
        listed = self._checked(node.value, _is_list, "a list")

        def evaluate(values: Values) -> Any:
            found = listed(values)
            return ABSENT if found is ABSENT or not -len(found) <= index < len(found) else found[index]

        return evaluate


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)
