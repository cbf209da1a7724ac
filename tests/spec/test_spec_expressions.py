"""Constraints are read as Python reads them, and whatever else they are costs one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.spec.spaces.expressions import constraint
from hpsearch.spec.spaces.operations import ConstraintError

VALUES = {"a": 3, "b": 0.5, "kind": {"kind": "sgd"}, "hidden": [50, 20], "lambda": 0.1, "t.inner": 2, "on": True}

SAME_AS_PYTHON = [
    "a * b <= 1.5 and not a == 4",
    "1 < a < 4 or b > 1",
    "a ** 2 - 3 * b // 1 + a % 2 != 7",
    "len(hidden) == 2 and sum(hidden) > max(hidden) >= hidden[0] and hidden[-1] == min(hidden)",
    "abs(-a) in (3, 4) and a not in [5]",
    "log10(100) == 2 and sqrt(b + 0.5) == log(1) + 1",
    "min(a, b) == b and max(a, b, 7) == 7",
    "a < 4 and (b > 2 or a > 2) and not (a < 1 or b > 1)",
]


@pytest.mark.parametrize("text", SAME_AS_PYTHON)
def test_a_constraint_means_what_it_means_in_python(text):
    import math

    names = {name: getattr(math, name) for name in ("log", "log10", "sqrt")} | {
        k: VALUES[k] for k in ("a", "b", "hidden")
    }
    assert constraint(text).breaks(VALUES) is not eval(text, names)


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("kind == 'sgd'", False),  # of a table, its kind
        ("kind == 'adam'", True),
        ("lambda < 0.2", False),  # a keyword of Python
        ("lambda == 'lambda'", True),
        ("t.inner == 2 and on", False),
        ("on == true and 1 != true", False),
        ("missing < 1", False),  # what depends on what is not there is kept
        ("missing < 1 and a > 5", True),
        ("not missing > 1 or a > 5", False),
        ("1 / (a - 3) < 1", True),  # cannot be computed
        ("9 ** 9 ** 9 ** 9 > a", True),
        ("hidden[5] > 1", False),
        ("a\n< 4", False),
    ],
)
def test_a_constraint_is_broken_only_where_that_is_certain(text, broken):
    assert constraint(text).breaks(VALUES) is broken


PIECES = [
    "a",
    "b",
    "lambda",
    "hidden",
    "1",
    "0.5",
    "'x'",
    "(",
    ")",
    "[",
    "]",
    "<",
    "==",
    "**",
    "-",
    "*",
    "not ",
    " or ",
]
PIECES += [
    " and ",
    " in ",
    ",",
    ".",
    ":",
    "\n",
    "'",
    "é",
    "__import__",
    "len",
    "max",
    "{",
    "}",
    "=",
    "lambda x: 1",
    "#",
    "@",
]


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=12).map("".join)))
def test_any_text_is_a_constraint_or_costs_one_line(text):
    try:
        found = constraint(text)
    except ConstraintError:
        return
    assert found.breaks(VALUES) in (True, False)


REFUSED = """__import__('os').system('x')
open('x')
a.b()
[i for i in hidden]
f'{a}'
a if b else a
(a := 1)
*a
{1: 2}
len.__call__(hidden)
hidden[a]
hidden[0:1]
len(hidden, key=1)
a @ b
a << 9"""


@pytest.mark.parametrize("text", REFUSED.splitlines())
def test_nothing_but_what_is_allowed_is_read(text):
    with pytest.raises(ConstraintError, match=r"must not have .* at column \d+; allowed are|is no condition"):
        constraint(text)
