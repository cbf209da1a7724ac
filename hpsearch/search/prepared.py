"""The prepared data of a study, with what is stored of them, though the cache is deleted meanwhile. May import data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpsearch.data import Dataset
from hpsearch.errors import DataError
from hpsearch.search.preparation import base_rate, check_measures, labels_of, prepare
from hpsearch.spec import Study
from hpsearch.storage.records import LabelsRecord
from hpsearch.workers.segments.measures import Measures

_ATTEMPTS = 3


@dataclass(frozen=True)
class Prepared:
    """The split of each step and replicate, and what is stored of them."""

    splits: dict[tuple[str, int], Path]
    labels: list[LabelsRecord]
    base_rate: dict[str, Any]


def prepare_all(study: Study, dataset: Dataset, measures: Measures) -> Prepared:
    """Prepare the data, check that what is measured can be computed of them, and read their labels."""
    for attempt in range(_ATTEMPTS):
        splits = prepare(study, dataset)
        try:
            check_measures(study, measures, splits)
            return Prepared(splits, labels_of(study, splits), base_rate(splits))
        except DataError:  # a split cannot be opened any more
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")
