"""What Optuna shows as the range of a hyperparameter. May import Optuna's distributions."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution


def categorical(value: Any) -> Any:
    """Optuna's categories are plain values: lists and tables are shown as JSON."""
    return json.dumps(value) if isinstance(value, list | dict) else value


def numeric(values: Sequence[Any]) -> bool:
    """Are they all numbers?"""
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def distribution_of(entry: Mapping[str, Any], values: Sequence[Any]) -> BaseDistribution:
    """A hyperparameter's range or choices, wide enough for these values; a list's numbers span from least to greatest.

    `values` are as `categorical` gives them. `entry` is as the database keeps it, empty in a stage that is a list.
    """
    if numeric(values) and "choices" not in entry:
        ends = [entry[key] for key in ("low", "high") if key in entry] + list(values)
        low, high = min(ends), max(ends)
        whole = entry.get("integer", "low" not in entry and all(isinstance(value, int) for value in ends))
        kind = IntDistribution if whole else FloatDistribution
        return kind(low, high, log=entry.get("log", False) and low > 0)
    choices = [categorical(choice) for choice in entry.get("choices", ())]
    return CategoricalDistribution(list(dict.fromkeys([*choices, *values])))


def contains(distribution: BaseDistribution, values: Sequence[Any]) -> bool:
    """Does the distribution hold all these values, so that none needs another?"""
    if isinstance(distribution, CategoricalDistribution):
        return all(value in distribution.choices for value in values)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if isinstance(distribution, IntDistribution) and not all(isinstance(value, int) for value in values):
        return False
    return numeric(values) and all(distribution.low <= value <= distribution.high for value in values)
