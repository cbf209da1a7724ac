"""Columns of a table that should not be features, before a launch. May import spec and data."""

from hpsearch.data import Dataset
from hpsearch.data.tables.leaks import remedy
from hpsearch.spec import Study
from hpsearch.spec.messages import fail

_SHOWN = 5


def leaks_said(study: Study, dataset: Dataset) -> list[str]:
    """What is to be said of columns that may be no features. Raises StudyFileError for those that certainly are none.

    A launch alone asks: a study that is there already has its results.
    """
    if refused := [leak for leak in dataset.leaks if leak.refused]:
        columns = ", ".join(map(str, refused[:_SHOWN])) + (" …" if len(refused) > _SHOWN else "")
        raise fail(study.place, ["data", "dataset"], f"{dataset.name}: {columns}; {remedy(refused)}")
    return [f"{dataset.name}: {leak}; {remedy([leak])}" for leak in dataset.leaks]
