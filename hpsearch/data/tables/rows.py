"""Rows of texts as a table: the columns chosen, their cells as numbers, the labels. May import NumPy."""

from array import array
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hpsearch.data.sources.targets import target_of
from hpsearch.data.tables.cells import CellError, Cells, UnusableColumnsError, read_again, with_point
from hpsearch.data.tables.columns import Columns, Floats
from hpsearch.data.tables.table import Table, check_header, chosen_names, missing_label
from hpsearch.errors import DataError


class TableReader:
    """Takes rows of texts, chunk by chunk, and holds numbers alone."""

    def __init__(
        self,
        path: Path,
        header: Sequence[str],
        given: Mapping[str, Any],
        labels: Sequence[str],
        decimal: str,
        task: str | None,
        train: Table | None,
        texts: Collection[str] = (),
    ) -> None:
        """`texts` are columns of texts by their type, which are no numbers though they may look like some.

        Raises DataError for a header without the columns that the study file names.
        """
        self._path, self._header, self._labels, self._task, self._train = path, list(header), list(labels), task, train
        self._decimal, self._keeps_missing = decimal, given.get("missing") == "keep"
        check_header(path, header, labels, given, train)
        self._names = list(train.names_of_columns) if train else chosen_names(header, labels, given)
        categorical = set(given.get("categorical", ()))
        self._cells = [
            Cells(name, categorical=name in categorical, texts=name in texts, decimal=decimal) for name in self._names
        ]
        self._again: list[list[Floats]] = [[] for _ in self._names]  # of a test file, by the columns of `train`
        self._texts: list[str] = []
        self._known: dict[str, str] = {}
        self._targets = array("d")
        self._no_label: list[tuple[int, str]] = []

    def extend(self, rows: Sequence[Sequence[str]], lines: Sequence[int]) -> None:
        """Add rows of texts; `lines` ends with their lines."""
        first = len(lines) - len(rows)
        columns = dict(zip(self._header, zip(*rows, strict=True), strict=True))
        for i, name in enumerate(self._names):
            if self._train is None:
                self._cells[i].extend(columns[name])
                continue
            try:
                self._again[i].append(read_again(self._train.columns[i], columns[name], self._decimal))
            except CellError as error:
                raise self._wrong(name, error, lines, first) from None
        for row in range(len(rows)):
            self._add_labels([columns[label][row] for label in self._labels], int(lines[first + row]))

    def _add_labels(self, cells: Sequence[str], line: int) -> None:
        for label, cell in zip(self._labels, cells, strict=True):
            text = " ".join(cell.split())
            if missing_label(text, self._task):
                self._no_label.append((line, text))
            elif self._task == "regression":
                place = f"{self._path}: line {line}: column {label!r}"
                self._targets.append(target_of(place, with_point(text, self._decimal), text))
            else:
                self._texts.append(self._known.setdefault(text, text))  # one text for all rows that have it

    def table(self, lines: Sequence[int], said: Sequence[str]) -> Table:
        """The whole table. Raises DataError, with the line, for a column that cannot be learned from."""
        if not lines:
            raise DataError(f"{self._path}: must have lines of values below its header, has none")
        if self._no_label:
            many, (line, text) = len(self._no_label), self._no_label[0]
            which = (
                f"line {line} has none"
                if many == 1
                else f"{many:,} of {len(lines):,} lines have none, the first is line {line}"
            )
            was = f" ({text!r})" if text else ""
            name = " or ".join(map(repr, self._labels))
            rule = f"each line must have a label in column {name}, but {which}{was}; remove such lines"
            raise DataError(f"{self._path}: {rule}")
        columns, values, notes, wrong = [], [], list(said), {}
        for i, name in enumerate(self._names):
            if self._train is not None:
                columns.append(self._train.columns[i])
                values.append(np.concatenate(self._again[i]))
                self._refuse_gaps(name, values[-1], lines)
                continue
            try:
                column, found = self._cells[i].column()
            except CellError as error:
                if self._is_trailing(name, error):
                    notes.append(f"{self._path.name}: {name}, which has neither a name nor values, is left out")
                    continue
                if error.row is not None:
                    raise self._wrong(name, error, lines) from None
                wrong[name] = self._wrong(name, error, lines)
                continue
            self._cells[i] = Cells(name)  # let go of the texts
            columns.append(column)
            values.append(found)
        if wrong:
            raise UnusableColumnsError(str(next(iter(wrong.values()))), tuple(wrong))
        targets = np.array(self._targets).reshape(len(lines), -1) if self._task == "regression" else None
        return Table(self._path, tuple(columns), values, self._texts, targets, tuple(self._labels), notes)

    def _refuse_gaps(self, name: str, values: Floats, lines: Sequence[int]) -> None:
        """Refuse a value that is missing in a test file where the training file teaches nothing of missing values."""
        assert self._train is not None
        if not Columns(self._train.columns).is_plain or self._keeps_missing:
            return
        for row in np.flatnonzero(np.isnan(values))[:1]:
            rule = f"has no value, but {self._train.path} has one in each line, so that nothing says what to fill in"
            raise self._wrong(name, CellError(rule, int(row)), lines)

    def _is_trailing(self, name: str, error: CellError) -> bool:
        """Is it an empty column without a name at the end, as a separator at the end of each line makes?"""
        return error.row is None and name == f"column {len(self._header)}" == self._header[-1]

    def _wrong(self, name: str, error: CellError, lines: Sequence[int], first: int = 0) -> DataError:
        if error.row is None:
            drop = f'; leave it out with drop = ["{name}"]'
            return DataError(f"{self._path}: column {name!r} {error}{drop}")
        return DataError(f"{self._path}: line {lines[first + error.row]}: column {name!r} {error}")
