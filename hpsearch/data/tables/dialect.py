"""How a text file of a table is written: encoding, separator, decimal sign. May import the standard library."""

import codecs
import csv
from collections.abc import Collection, Iterator, Sequence
from io import BytesIO, TextIOWrapper
from itertools import islice
from pathlib import Path

from hpsearch.errors import DataError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class NotCsvError(DataError):
    """A line that is none of a CSV file with this separator."""


Row = tuple[int, list[str]]
"""A line's number, counted from 1, and its cells."""


def encoding_of(path: Path, given: str | None) -> str:
    """The encoding: that of the byte-order mark; else UTF-8, where none is given, or the text is valid beyond ASCII.

    Other encodings hardly ever give valid UTF-8 by chance, and a study has one for a file and for the one to test on.
    Raises DataError if there is none of the name.
    """
    if given is not None:
        try:
            TextIOWrapper(BytesIO(), given)  # which knows that zip and rot13 are none of texts
        except (LookupError, ValueError):
            raise DataError(
                f"data.dataset.encoding must be one that Python knows, as 'latin-1', got {given!r}"
            ) from None
    with path.open("rb") as file:
        start = file.read(4)
    found = next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8")
    return found if given is None or found != "utf-8" or _is_utf8_beyond_ascii(path) else given


def _is_utf8_beyond_ascii(path: Path) -> bool:
    decoder, beyond = codecs.getincrementaldecoder("utf-8")(), False
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            beyond = beyond or not block.isascii()
            try:
                if "\0" in decoder.decode(block):
                    return False
            except UnicodeError:
                return False
    return beyond and not decoder.getstate()[0]


def rows_of(path: Path, encoding: str, separator: str) -> Iterator[Row]:
    """Yield each line's number and cells; empty lines are left out. Raises DataError with the line of an error."""
    return rows_in(open_text(path, encoding), path, encoding, separator)


def open_text(path: Path, encoding: str) -> TextIOWrapper:
    """Open a file as `rows_in` reads it."""
    return path.open(newline="", encoding=encoding)


def rows_in(file: TextIOWrapper, path: Path, encoding: str, separator: str) -> Iterator[Row]:
    """Yield the rows of a file that is open, and close it."""
    with file:
        reader = csv.reader(file, delimiter=separator, strict=True)
        try:
            for cells in reader:
                if cells:
                    yield reader.line_num, cells
        except UnicodeError:
            raise _not_text(path, encoding) from None
        except csv.Error as error:
            raise NotCsvError(f"{path}: line {reader.line_num}: not a line of a CSV file: {error}") from error


def _not_text(path: Path, encoding: str) -> DataError:
    """The error that a line is not in this encoding; the reader itself decodes far ahead of the line that it is at."""
    line = 1
    with path.open("rb") as file:
        for line, content in enumerate(file, 1):  # noqa: B007 - the line is what we look for
            try:
                content.decode(encoding)
            except UnicodeError:
                break
    name = encoding.removesuffix("-sig").upper()
    hint = "; if it is of an older program, set encoding = 'latin-1' or 'cp1252'" if name == "UTF-8" else ""
    return DataError(f"{path}: line {line}: must be text in {name}, is not{hint}")


def separator_of(path: Path, encoding: str, labels: Collection[str]) -> str:
    """The separator by which the header has the columns of the labels; where none has them, that of most columns."""
    found = next((each for each in SEPARATORS if set(labels) <= set(_names(path, encoding, each))), None)
    return found or columns_of(path, encoding)[0]


def columns_of(path: Path, encoding: str) -> tuple[str, list[str]]:
    """The separator by which the header has the most columns, and their names."""
    headers = {each: _names(path, encoding, each) for each in SEPARATORS}
    separator = max(SEPARATORS, key=lambda each: len(headers[each]))
    return separator, headers[separator]


def _names(path: Path, encoding: str, separator: str) -> list[str]:
    """The names in the header by this separator, none where quotes show that it is another one."""
    try:
        _, header = next(rows_of(path, encoding, separator), (1, []))
    except NotCsvError:
        return []
    return [" ".join(name.split()) for name in header]


def decimal_of(path: Path, encoding: str, separator: str) -> str:
    """The decimal sign: a comma where the first lines have numbers with one and none with a point."""
    if separator == ",":
        return "."
    cells = [cell.strip() for _, row in islice(rows_of(path, encoding, separator), 1, 200) for cell in row]
    with_comma, with_point = (any(_is_fraction(cell, sign) for cell in cells) for sign in ",.")
    return "," if with_comma and not with_point else "."


def _is_fraction(cell: str, sign: str) -> bool:
    if cell.count(sign) != 1 or sum(each.isdecimal() for each in cell) < 2:
        return False
    try:
        float(cell.replace(sign, "."))
    except ValueError:
        return False
    return True


def names_of_header(cells: Sequence[str]) -> list[str]:
    """The columns' names; "column 3" for the third if it has none."""
    names = [" ".join(cell.split()) for cell in cells]
    return [name or f"column {number}" for number, name in enumerate(names, 1)]


def check_names(path: Path, header: Sequence[str], drop: Collection[str]) -> None:
    """Refuse a header whose columns are not distinguished by their names."""
    for number, name in enumerate(header, 1):
        if name in header[: number - 1] and name not in drop:
            first = list(header).index(name) + 1
            raise DataError(f"{path}: line 1: columns {first} and {number} are both {name!r}; rename one of them")
