"""The classes that `class_weight` names, which are known once the data is loaded. May import hpsearch.errors."""

from collections.abc import Iterator, Sequence
from typing import Any

from hpsearch.errors import nearest
from hpsearch.spec.messages import Where, fail
from hpsearch.spec.tables.space import Choices
from hpsearch.spec.tables.study import Study


def check_class_weight(study: Study, classes: Sequence[str]) -> None:
    """Raise StudyFileError for a weight of a class that the data does not have."""
    for where, given in _given(study):
        for name in given if isinstance(given, dict) else ():
            if name not in classes:
                raise fail(study.place, [*where, name], f"is not a class of the data{nearest(name, classes)}")


def _given(study: Study) -> Iterator[tuple[Where, Any]]:
    """Yield each `class_weight` of the study file with its place."""
    key = "class_weight"
    yield ["training", key], study.training.class_weight
    for i, stage in enumerate(study.stages):
        here: Where = ["stage", i]
        yield [*here, "training", key], stage.training.get(key)
        if isinstance(entry := stage.space.get(key), Choices):
            yield from (([*here, "space", key, j], choice) for j, choice in enumerate(entry.choices))
        yield [*here, "default", key], (stage.default or {}).get(key)
        rows = (("configurations", stage.configurations or ()), ("first", stage.first))
        yield from (([*here, name, j, key], row.get(key)) for name, listed in rows for j, row in enumerate(listed))
    if study.final is not None:
        yield ["final", "training", key], study.final.training.get(key)
