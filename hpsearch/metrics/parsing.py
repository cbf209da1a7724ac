"""A metric from what a study file gives: a name or a table. May import the standard library only.

"rmse", "f1", "f1_macro", "top_5_accuracy", "pinball_0.9"
{ kind = "f1", average = "macro" }     { kind = "recall", positive = "sick" }
{ kind = "pinball", alpha = 0.9 }      { kind = "top_k_accuracy", k = 5 }
{ file = "metrics/profit.py" }         { returned = "profit" }
each with direction = "maximize" or "minimize", if one likes
"""

import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, cast, get_args

from hpsearch.errors import nearest
from hpsearch.metrics.kinds import AVERAGED, AVERAGES, KINDS, Average, Direction, Task
from hpsearch.metrics.metric import Metric, MetricError, MetricFile, shown
from hpsearch.metrics.names import NAMES, did_you_mean

_BOTH: tuple[Task, ...] = ("classification", "regression")
_RETURNED = re.compile(r"[^\W\d]\w{0,99}")
_EXAMPLES = {"alpha": "0.9", "k": "5"}
_WITH_NUMBER = (
    (re.compile(r"top_([1-9][0-9]{0,8})_accuracy"), "top_k_accuracy", "k", int),
    (re.compile(r"pinball_([0-9.]+(?:e-?[0-9]+)?)"), "pinball", "alpha", float),
)
"""Names that hold an option which is a number."""


def parse(given: object) -> Metric | MetricFile:
    """Return the metric that a study file gives: a name, or a table with `kind` or `file`.

    A `MetricFile` is not read here. Raises MetricError for anything else.
    """
    if isinstance(given, str):
        return _of_name(given)
    if not isinstance(given, Mapping):
        raise MetricError(f'must be the name of a metric, such as "accuracy", or a table, got {shown(given)}')
    ways = [way for way in ("kind", "file", "returned") if way in given]
    if len(ways) > 1:
        raise MetricError(f"must have only one of kind, file and returned, got {' and '.join(ways)}")
    if "returned" in given:
        return _of_returned(given)
    if "file" in given:
        return _of_file(given)
    if "kind" not in given:
        raise MetricError('must have kind, such as "f1", or file, the path of a metric of one\'s own')
    kind = given["kind"]
    if not isinstance(kind, str):
        raise MetricError(f"must be the name of a metric, got {shown(kind)}", "kind")
    table = _table_of(kind)
    if table is None:
        raise MetricError(f"must be a metric, got {kind!r}{_instead(kind)}", "kind")
    for key in table.keys() & given.keys() - {"kind"}:
        if given[key] != table[key]:
            raise MetricError(f"must be left out with kind = {_quoted(kind)}, got {shown(given[key])}", key)
    return _of_table(table["kind"], {**given, **table})


def _of_name(name: str) -> Metric:
    table = _table_of(name)
    if table is None:
        raise MetricError(f"must be a metric, got {name!r}{_instead(name)}")
    kind = table["kind"]
    for option in KINDS[kind].required:
        if option not in table:
            example = f"{{ kind = {_quoted(kind)}, {option} = {_EXAMPLES[option]} }}"
            raise MetricError(f"must have {option}, as in {example}, got {_quoted(name)} alone")
    return _metric(**table)


def _table_of(name: str) -> dict[str, Any] | None:
    """The table that a name stands for: "f1_macro" is { kind = "f1", average = "macro" }; None if it is no metric."""
    if name in KINDS:
        return {"kind": name}
    if name in NAMES:
        kind, _, average = name.rpartition("_")
        return {"kind": kind, "average": average}
    for pattern, kind, option, number in _WITH_NUMBER:
        if found := pattern.fullmatch(name):
            try:
                return {"kind": kind, option: _OPTIONS[option](number(found[1]))}
            except ValueError:  # "0.9.1"
                return None
    return None


def _instead(name: str) -> str:
    if name.endswith(".py"):
        return f"; did you mean {{ file = {_quoted(name)} }}?"
    return did_you_mean(name) if name else nearest(name, KINDS)


def _of_table(kind: str, given: Mapping[str, Any]) -> Metric:
    known = KINDS[kind]
    for key in given:
        if key not in ("kind", "direction", *known.options):
            raise MetricError(f"is not a key of {kind}{nearest(key, ('direction', *known.options))}", key)
    for option in known.required:
        if option not in given:
            raise MetricError(f"is missing; {kind} needs it, as in {option} = {_EXAMPLES[option]}", option)
    options: dict[str, Any] = {option: _OPTIONS[option](given[option]) for option in known.options if option in given}
    if "direction" in given and _direction(given["direction"]) != known.direction:
        raise MetricError(
            f"must be {_quoted(known.direction)} for {kind}, got {_quoted(given['direction'])}", "direction"
        )
    if kind in AVERAGED and "positive" in options and options.setdefault("average", "binary") != "binary":
        rule = 'must be "binary" with a positive class, or positive be left out'
        raise MetricError(f"{rule}, got {_quoted(options['average'])}", "average")
    return _metric(kind, **options)


def _of_file(given: Mapping[str, Any]) -> MetricFile:
    for key in given:
        if key not in ("file", "direction"):
            raise MetricError(f"is not a key of a metric's file{nearest(key, ('file', 'direction'))}", key)
    path = given["file"]
    if not isinstance(path, str) or not path.endswith(".py") or PurePath(path).stem.startswith("."):
        raise MetricError(f'must be the path of a Python file, such as "metrics/profit.py", got {shown(path)}', "file")
    name = PurePath(path).stem
    if name in NAMES or any(pattern.fullmatch(name) for pattern, *_ in _WITH_NUMBER):
        raise MetricError(f"must not have the name of one of hpsearch's metrics, got {path!r}", "file")
    direction = _direction(given["direction"]) if "direction" in given else None
    return MetricFile(name, path, direction)


def _of_returned(given: Mapping[str, Any]) -> Metric:
    for key in given:
        if key not in ("returned", "direction"):
            raise MetricError(f"is not a key of a returned metric{nearest(key, ('returned', 'direction'))}", key)
    name = given["returned"]
    if not isinstance(name, str) or not _RETURNED.fullmatch(name):
        rule = 'must be a name of letters, digits and _, at most 100, such as "profit"'
        raise MetricError(f"{rule}, got {shown(name)}", "returned")
    if _table_of(name) is not None:
        rule = f"must not be the name of one of hpsearch's metrics, got {name!r}"
        more = "" if name == "accuracy" else f"; write metric = {_quoted(name)} for that one, and"
        raise MetricError(f"{rule}{more or ';'} return yours under another name, such as 'my_{name}'", "returned")
    return Metric(name, "returned", _direction(given.get("direction", "maximize")), _BOTH, "nothing")


def _metric(
    kind: str,
    average: Average | None = None,
    positive: str | None = None,
    alpha: float | None = None,
    k: int | None = None,
) -> Metric:
    known, name = KINDS[kind], kind
    if k is not None:
        name = f"top_{k}_accuracy"
    for option in (average, positive, alpha):
        if option is not None:  # the name of a class may be any text
            name += "_" + re.sub(r"[^\w.]+", "_", str(option))
    return Metric(name, kind, known.direction, known.tasks, known.needs, known.share, average, positive, alpha, k)


def _direction(given: object) -> Direction:
    if given in get_args(Direction):
        return cast(Direction, given)
    meant = nearest(given, get_args(Direction)) if isinstance(given, str) and given else ""
    raise MetricError(
        f'must be "maximize" or "minimize", got {shown(given)}{meant if "did you" in meant else ""}', "direction"
    )


def _average(given: object) -> Average:
    if given in AVERAGES:
        return given
    meant = nearest(given, AVERAGES) if isinstance(given, str) and given else f"; known: {', '.join(AVERAGES)}"
    raise MetricError(f"must be an average, got {shown(given)}{meant}", "average")


def _positive(given: object) -> str:
    if isinstance(given, str) and given:
        return given
    quoted = f'; did you mean "{given}"?' if isinstance(given, int) else ""
    raise MetricError(f"must be the name of a class, got {shown(given)}{quoted}", "positive")


def _alpha(given: object) -> float:
    if isinstance(given, int | float) and not isinstance(given, bool) and 0 < given < 1:
        return float(given)
    raise MetricError(f"must be a quantile above 0 and below 1, got {shown(given)}", "alpha")


def _k(given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise MetricError(f"must be a whole number of at least 2, got {shown(given)}", "k")
    if given == 1:
        raise MetricError('must be at least 2, got 1: that is metric = "accuracy"', "k")
    return given


_OPTIONS: dict[str, Callable[[Any], Any]] = {"average": _average, "positive": _positive, "alpha": _alpha, "k": _k}
"""What makes an option's value from what is given, or raises MetricError."""


def _quoted(text: object) -> str:
    return f'"{text}"'
