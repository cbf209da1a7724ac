"""The text of numbers, hyperparameters and names in tables and sentences. May import the standard library only."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from hpsearch.text import visible

MISSING = "–"
_SYMBOLS = {"lambda": "λ", "eta": "η", "beta1": "β₁", "beta2": "β₂", "epsilon": "ε"}
_MEANINGS = {"λ": "λ the factor of L2 regularisation", "η": "η the learning rate"}


def label(key: str) -> str:
    """Return a short label for a hyperparameter: the last part of its key, with Greek letters as symbols.

    >>> label("lambda"), label("schedule.eta_max"), label("optimiser.momentum"), label("optimiser.kind")
    ('λ', 'η max', 'momentum', 'optimiser')
    """
    if not re.fullmatch(r"\w+(\.\w+)*", key):
        return key  # a parameter of a model file, whose name can be any text
    *tables, last = key.split(".")
    name = tables[-1] if tables and last == "kind" else last
    return " ".join(_SYMBOLS.get(part, part) for part in name.split("_"))


def symbols(labels: Iterable[str]) -> str:
    """Say what the Greek letters among the labels of hyperparameters stand for, "" where there are none.

    >>> symbols(["λ", "η max", "batch size"])
    'λ is the factor of L2 regularisation and η the learning rate.'
    """
    used = {symbol for each in labels for symbol in each.split()}
    meanings = [text for symbol, text in _MEANINGS.items() if symbol in used]
    return f"{listing([meanings[0].replace(' ', ' is ', 1), *meanings[1:]])}." if meanings else ""


def labels(keys: Iterable[str]) -> dict[str, str]:
    """Return a label for each hyperparameter's key: the short one, or the key itself where two labels would be equal.

    >>> labels(["momentum", "optimiser.momentum", "batch_size"])
    {'momentum': 'momentum', 'optimiser.momentum': 'optimiser.momentum', 'batch_size': 'batch size'}
    """
    short = {key: label(key) for key in keys}
    counts = Counter(short.values())
    return {key: text if counts[text] == 1 else key for key, text in short.items()}


def is_number(value: Any) -> bool:
    """Whether a configuration's value is a finite number (a boolean is not)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


_MANY = 1_000
"""The most numbers that are read to determine the digits that they need."""


class NumberStyle:
    """One format for all numbers of a column: plain or scientific, with as few digits as keep them distinct.

    >>> style = NumberStyle([6.25e-4, 6.375e-4, 0.1])
    >>> style(6.25e-4), style(0.1), style(0)
    ('6.25e-4', '1.00e-1', '0')
    >>> NumberStyle([0.5, 0.25])(0.5)
    '0.50'
    """

    def __init__(self, values: Iterable[Any]):
        numbers = {float(value) for value in values if is_number(value)} - {0.0}
        self.whole = all(number.is_integer() for number in numbers)
        self.scientific = any(abs(number) < 1e-3 or abs(number) >= 1e6 for number in numbers)
        numbers = set(sorted(numbers)[:: len(numbers) // _MANY + 1])  # a sample of them is enough
        self.digits = 1
        # All digits of round values; of values with many digits only as many as keep them distinct.
        for self.digits in range(1, 7):
            written = {number: float(self(number).replace(",", "")) for number in numbers}
            distinct = len(set(written.values())) == len(numbers)
            close = all(abs(given / number - 1) < 5e-3 for number, given in written.items())
            if distinct and close:
                break

    def __call__(self, value: Any) -> str:
        if not is_number(value):
            return any_value(value)
        if self.whole and not self.scientific:
            return f"{int(value):,}"
        if value == 0:
            return "0"
        if self.scientific:
            return exponent(value, self.digits - 1)
        return f"{value:.{self.digits}f}"


def exponent(value: float, decimals: int) -> str:
    """Write a number in scientific notation without padding: 6.75e-4.

    >>> exponent(0.000675, 2), exponent(0.1, 0)
    ('6.75e-4', '1e-1')
    """
    mantissa, power = f"{value:.{decimals}e}".split("e")
    return f"{mantissa}e{int(power)}"


def short(value: float, scientific: bool = False) -> str:
    """Write a single number with up to four significant digits; scientific if asked for, below 1e-3, and from 1e6 on.

    >>> short(1e-5), short(0.25), short(45000)
    ('1e-5', '0.25', '45,000')
    """
    if value == 0 or (1e-3 <= abs(value) < 1e6 and not scientific):
        return f"{int(value):,}" if float(value).is_integer() else f"{value:.4g}"
    mantissa, power = f"{value:.3e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(power)}"


def uniform(values: Sequence[Any]) -> list[str]:
    """Write a few values in one format: all numbers scientific if one is below 1e-3.

    >>> uniform([1e-5, 0.1]), uniform([0.25, "relu", [50]])
    (['1e-5', '1e-1'], ['0.25', 'relu', '[50]'])
    """
    small = any(is_number(value) and 0 < abs(value) < 1e-3 for value in values)
    return [short(value, small) if is_number(value) else any_value(value) for value in values]


def any_value(value: Any) -> str:
    """Write a single value of a configuration: a number, a text, a table in short, or JSON.

    >>> any_value({"momentum": 0.95, "kind": "nesterov"}), any_value([50])
    ('nesterov, momentum = 0.95', '[50]')
    """
    if is_number(value):
        return short(value)
    if isinstance(value, dict) and value:
        rest = [f"{label(key)} = {any_value(each)}" for key, each in value.items() if key != "kind"]
        return ", ".join([any_value(value["kind"]), *rest] if "kind" in value else rest)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def decimals(samples: int | None) -> int:
    """Return the decimals for a percentage of so many samples: two where one sample is less than 0.1%, else one."""
    return 2 if samples is not None and samples > 1_000 else 1


def percent(share: float | None, places: int = 2) -> str:
    """Write a share as a percentage, None and NaN as a dash.

    >>> percent(0.5173), percent(None)
    ('51.73%', '–')
    """
    return MISSING if share is None or not math.isfinite(share) else f"{100 * share:.{places}f}%"


def points(difference: float, places: int) -> str:
    """Write a difference of shares in percentage points, with its sign.

    >>> points(0.012, 1), points(-0.0003, 2), points(0.0, 1)
    ('+1.2', '−0.03', '0.0')
    """
    text = f"{100 * difference:+.{places}f}".replace("-", "−")
    return text[1:] if float(text[1:]) == 0 else text


def between(low: float, high: float, places: int = 2) -> str:
    """Write an interval of shares: 50.75–52.71."""
    return f"{100 * low:.{places}f}–{100 * high:.{places}f}"


def p_value(p: float) -> str:
    """Write a p-value with two significant digits, and below 0.001 only that it is."""
    if p < 0.001:
        return "p < 0.001"
    return "p = 1" if p > 0.995 else f"p = {p:.2g}"


def duration(seconds: float) -> str:
    """Write a time in seconds, minutes or hours.

    >>> duration(4.44), duration(161), duration(7330)
    ('4.4 s', '2 min 41 s', '2 h 2 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    rounded = round(seconds)
    if rounded < 3600:
        return f"{rounded // 60} min {rounded % 60} s"
    return f"{rounded // 3600:,} h {rounded % 3600 // 60} min"


def count(number: int, noun: str) -> str:
    """Write a number of things: 1 trial, 2 trials."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def times(number: int) -> str:
    """Write how often: once, 2 times."""
    return "once" if number == 1 else f"{number:,} times"


def count_of(number: int, total: int, noun: str) -> str:
    """Write a number of things out of a total: 2 of 5 seeds."""
    return f"{number:,} of {count(total, noun)}"


def span(low: int, high: int) -> str:
    """Write a range of integers: 8–12, or 8 for a single one."""
    return str(low) if low == high else f"{low}–{high}"


def numbers(values: Sequence[int]) -> str:
    """Write increasing integers: as a range if they are consecutive, only the first and the last of five or more.

    >>> numbers([5, 6, 7]), numbers([5, 7]), numbers([5, 7, 9, 11, 13])
    ('5–7', '5, 7', '5 … 13')
    """
    if values[-1] - values[0] == len(values) - 1:
        return span(values[0], values[-1])
    return ", ".join(map(str, values)) if len(values) < 5 else f"{values[0]} … {values[-1]}"


def trial_names(stage: str, values: Sequence[int]) -> str:
    """Write the names of a stage's trials, given their numbers in increasing order.

    >>> trial_names("coarse", [3]), trial_names("coarse", [5, 6, 7])
    ('coarse:3', 'coarse:5–7')
    """
    return f"{stage}:{numbers(values)}"


def listing(parts: Sequence[str], word: str = "and") -> str:
    """Join parts as in a sentence: a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {word} {parts[-1]}"


_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def csv_cell(value: Any) -> str:
    """Write a value for CSV: numbers with all digits, lists as JSON, a leading quote before what would be a formula.

    >>> csv_cell(0.1), csv_cell([50]), csv_cell("=1+1"), csv_cell("-1e3")
    ('0.1', '[50]', "'=1+1", '-1e3')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        formula = value.lstrip()[:1] in tuple("=+-@＝＋－＠") or value[:1] in ("\t", "\r", "\n")
        return visible(f"'{value}" if formula and not _NUMBER.fullmatch(value.strip()) else value)
    if isinstance(value, (bool, list, dict)):
        return visible(json.dumps(value, ensure_ascii=False, sort_keys=True))
    return "" if value != value else repr(value)  # NaN is a missing metric


_MARKDOWN = re.compile(r"([\\`*_\[\]#|~$])")


def markdown(text: str) -> str:
    """Escape a text for a Markdown heading or table cell, and put it on one line.

    >>> markdown("a|b <c>")
    'a\\\\|b &lt;c&gt;'
    """
    plain = visible(" ".join(text.split())).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", plain)


def loss(value: float) -> str:
    """Write a loss.

    >>> loss(0.32404), loss(7.3575e18)
    ('0.3240', '7.36e+18')
    """
    return f"{value:.4f}" if value < 1e6 else f"{value:.3g}"


_LOSSES = {"cross_entropy": "mean cross-entropy", "hinge": "mean multi-class hinge loss"}
_LOSSES |= {"squared_error": "mean squared error", "absolute_error": "mean absolute error", "huber": "mean Huber loss"}


def loss_name(losses: Iterable[str]) -> str:
    """Write the name of the loss, given its names in the study file.

    >>> loss_name(["cross_entropy"]), loss_name(["hinge", "cross_entropy"])
    ('mean cross-entropy', 'mean cross-entropy or mean multi-class hinge loss')
    """
    return listing([_LOSSES.get(loss, loss) for loss in sorted(set(losses))], "or")
