"""CSV files as people have them: each is read as it is meant, and said, or refused in one line with the remedy."""

import resource

import numpy as np
import pytest

from hpsearch.data import load
from hpsearch.errors import DataError

RNG = np.random.default_rng(4)
VALUES = RNG.normal(size=(60, 2)).round(3)
LABELS = [f"kind {'abc'[i % 3]}" for i in range(60)]
PLAIN = [f"{a},{b},{y}" for (a, b), y in zip(VALUES.tolist(), LABELS, strict=True)]
HEADER = "a,b,y"


def text(rows=PLAIN, header=HEADER, end="\n"):
    return end.join([header, *rows]) + end


def changed(old, new, header=HEADER):
    return text([row.replace(old, new) for row in PLAIN], header.replace(old, new))


def with_column(name, cells):
    return text([f"{cell},{row}" for cell, row in zip(cells, PLAIN, strict=True)], f"{name},{HEADER}")


def quoted(separator):
    return text(
        [f'"{row}"' for row in (row.replace(",", f'"{separator}"') for row in PLAIN)],
        f'"a"{separator}"b"{separator}"y"',
    )


SEMICOLONS = changed(",", ";")
GAPS = text([row.rsplit(",", 1)[0] + "," if i in (3, 9) else row for i, row in enumerate(PLAIN)])
NUMBERS = text([f"{row.rsplit(',', 1)[0]},{'1.0' if i % 6 == 1 else i % 3}" for i, row in enumerate(PLAIN)])

READ = {
    "plain": (text(), {}, None),
    "byte-order mark and CRLF": ("\ufeff" + text(end="\r\n"), {}, None),
    "ends of lines of old Macs": (text(end="\r"), {}, None),
    "empty lines, and no end of the last": ("\n" + "\n\n".join([HEADER, *PLAIN]), {}, None),
    "spaces": (changed(",", " , "), {}, None),
    "quotes": (quoted(","), {}, None),
    "semicolons": (SEMICOLONS, {}, "x.csv is read as separated by semicolons"),
    "semicolons and quotes": (quoted(";"), {}, "x.csv is read as separated by semicolons"),
    "tabs": (changed(",", "\t"), {}, "x.csv is read as separated by tabs"),
    "decimal commas": (
        SEMICOLONS.replace(".", ","),
        {},
        "x.csv is read as separated by semicolons and with decimal commas",
    ),
    "decimal commas in quotes": (quoted(",").replace(".", ","), {"decimal": ","}, None),
    "UTF-16": (text().encode("utf-16"), {}, "x.csv is read as in UTF-16"),
    "separator at the end of each line": (
        text([f"{row}," for row in PLAIN], f"{HEADER},"),
        {},
        "x.csv: column 4, which has neither a name nor values, is left out",
    ),
    "index column, left out": (with_column("", range(60)), {"drop": ["column 1"]}, None),
    "column without values, left out": (with_column("gone", [""] * 60), {"drop": ["gone"]}, None),
}

REFUSED = {
    "Latin-1": (
        changed("kind", "Größe", "a,b,y").encode("latin-1"),
        {},
        r"line 2: must be text in UTF-8, is not; .*encoding = 'latin-1'",
    ),
    "duplicate names": (text(header="a,a,y"), {}, "line 1: columns 1 and 2 are both 'a'; rename one of them"),
    "column without values": (
        with_column("gone", [""] * 60),
        {},
        r"column 'gone' has no value in any line; leave it out with drop = ..gone..",
    ),
    "1e300": (
        with_column("c", [*range(9), "1e300", *range(50)]),
        {},
        r"line 11: column 'c' must have a number, none beyond 3.4e\+38, has '1e\+300'",
    ),
    "infinite": (
        with_column("c", [*range(9), "-inf", *range(50)]),
        {},
        "line 11: column 'c' must have a finite number, has '-inf'",
    ),
    "marks at the thousands": (
        with_column("c", ['"1,200"'] * 60),
        {},
        r"line 2: column 'c' has numbers .*'1,200'; set decimal = \",\" if",
    ),
    "decimal commas in quotes": (
        quoted(",").replace(".", ","),
        {},
        r"line 2: column 'a' has numbers .* set decimal = \",\" if",
    ),
    "texts among numbers": (
        with_column("c", ["low", *range(59)]),
        {},
        r"line 2: column 'c' must have a finite number, has 'low'; if .* categorical",
    ),
    "names of people": (
        text([f"p{i},{row}" for i, row in enumerate(PLAIN * 17)], "who,a,b,y"),
        {},
        r"column 'who' has 1,020 different texts, .*; leave it out with drop",
    ),
    "labels that are missing": (
        GAPS,
        {},
        "each line must have a label in column 'y', but 2 of 60 lines have none, the first is line 5; remove",
    ),
    "labels that are nan": (
        GAPS.replace(",\n", ",NaN\n"),
        {},
        r"2 of 60 lines have none, the first is line 5 \('NaN'\)",
    ),
    "one number written in two ways": (
        NUMBERS,
        {},
        r"labels '1' \(10 samples\) and '1.0' \(10\) are the same number; write it in one way",
    ),
    "labels that are values": (
        text([f"{a},{b},{a * b}" for a, b in VALUES]),
        {},
        "this looks like a regression: set data.task",
    ),
    "another label": (text(header="a,b,Y"), {}, "line 1: must have one column 'y', .* has 0; known: Y, a, b"),
    "no header": ("\n".join(PLAIN), {}, "line 1: must have one column 'y', .* has 0; known: .*, .*, kind a"),
    "a line that is too long": (
        text([*PLAIN[:9], "1,2,3,kind a", *PLAIN]),
        {},
        "line 11: must have 3 columns, as line 1 has, has 4",
    ),
    "a quote that is left open": (text([*PLAIN, '1,2,"kind a']), {}, "line 62: not a line of a CSV file"),
    "nothing": ("", {}, "line 1: must have one column 'y'"),
}


def read(tmp_path, content, given):
    content = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "x.csv").write_bytes(content)
    return load({"kind": "csv", "path": "x.csv", "label": "y", "test": 12, **given}, workspace=tmp_path)


@pytest.mark.parametrize("name", READ)
def test_a_file_that_is_written_otherwise_is_the_same_table(tmp_path, name):
    content, given, said = READ[name]
    found, plain = read(tmp_path, content, given), read(tmp_path, text(), {})
    assert found.said == (() if said is None else (said,))
    assert found.fingerprint == plain.fingerprint
    assert found.columns.names == ("a", "b")
    assert found.classes == ("kind a", "kind b", "kind c")
    everything = np.concatenate([found.samples, found.test_samples])
    assert sorted(everything.tolist()) == sorted(VALUES.tolist())


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_read_as_it_is_costs_one_line_with_the_remedy(tmp_path, name):
    content, given, line = REFUSED[name]
    with pytest.raises(DataError, match=line) as error:
        read(tmp_path, content, given)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{tmp_path}/x.csv: ")


@pytest.mark.parametrize("encoding", ["rot13", "zip", "latin-99"])
def test_an_encoding_that_is_none_of_texts_is_refused(tmp_path, encoding):
    with pytest.raises(DataError, match=rf"^data.dataset.encoding must be one that Python knows.*got '{encoding}'$"):
        read(tmp_path, text(), {"encoding": encoding})


def test_latin_1_is_read_where_it_is_said(tmp_path):
    content = changed("kind", "Größe").encode("latin-1")
    assert read(tmp_path, content, {"encoding": "latin-1"}).classes == ("Größe a", "Größe b", "Größe c")
    utf8 = changed("kind", "Größe").encode()  # as the file beside one to test on, for which the encoding is said
    assert read(tmp_path, utf8, {"encoding": "cp1252"}).classes == ("Größe a", "Größe b", "Größe c")


def test_a_constant_column_500_categories_gaps_and_truth_are_features(tmp_path):
    rows = [f"7,t{i % 500},{'' if i % 7 == 0 else i * 0.37},{i % 2 == 0},{row}" for i, row in enumerate(PLAIN * 20)]
    found = read(tmp_path, text(rows, f"constant,town,c,yes,{HEADER}"), {})
    kinds = [(each.kind, len(each.categories), each.missing) for each in found.columns.columns]
    assert kinds[:4] == [("number", 0, False), ("category", 500, False), ("number", 0, True), ("truth", 0, False)]
    assert found.features == 1 + 500 + 2 + 1 + 2


@pytest.mark.slow
def test_a_million_rows_are_read_in_bounded_memory(tmp_path):
    values = np.random.default_rng(0).normal(size=(1_000_000, 3)).round(3)
    labels = np.arange(1_000_000) % 3
    np.savetxt(tmp_path / "x.csv", np.c_[values, labels], "%g", ",", header="a,b,c,y", comments="")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = load({"kind": "csv", "path": "x.csv", "label": "y", "test": 1000}, workspace=tmp_path)
    assert (len(found.samples), found.leaks) == (999_000, ())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600_000  # kB; the file has 23 MB
