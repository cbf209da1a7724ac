import numpy as np
import pandas as pd
import pytest

from hpsearch.data import load, open_split, prepare
from hpsearch.errors import DataError

HEADER = "length,species,width,height,depth\n"
KINDS = ("setosa", "virginica", "versicolor")


def lines(count, seed=0):
    values = np.random.default_rng(seed).random((count, 4)).tolist()
    return [f"{a},{KINDS[i % 3]},{b},{c:.3e},{d}\n" for i, (a, b, c, d) in enumerate(values)]


def write(tmp_path, content, name="train.csv"):
    (tmp_path / name).write_text(content, "utf-8")


def read(tmp_path, **more):
    table = {"kind": "csv", "path": "train.csv", "label": "species", "test": 10, **more}
    return load({key: value for key, value in table.items() if value is not None}, workspace=tmp_path)


def line(tmp_path, **more):
    with pytest.raises(DataError) as caught:
        read(tmp_path, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{tmp_path}/")


def test_a_csv_file_is_read_as_pandas_reads_it(tmp_path):
    write(tmp_path, HEADER + "".join(lines(40)))
    write(tmp_path, HEADER + "".join(lines(7, seed=1)), "test.csv")
    dataset = read(tmp_path, test=None, test_path="test.csv")
    frame = pd.read_csv(tmp_path / "train.csv")
    np.testing.assert_allclose(dataset.samples, frame.drop(columns="species"), rtol=1e-15)
    assert dataset.classes == ("setosa", "versicolor", "virginica")
    assert np.array_equal(np.array(dataset.classes)[dataset.labels], frame["species"])
    assert (dataset.name, dataset.image_shape, len(dataset.test_samples)) == ("train.csv", (1, 1, 4), 7)
    split = open_split(prepare(dataset, train=30, validation=10, seed=0, cache=tmp_path / "cache"))
    np.testing.assert_allclose(split.train_x.std(axis=0), 1, atol=1e-5)


def test_rows_can_be_held_out_and_be_pixels(tmp_path):
    write(tmp_path, HEADER + "".join(lines(40)))
    dataset = read(tmp_path, image_shape=(1, 2, 2))
    assert dataset.image_shape == (1, 2, 2)
    assert (dataset.samples.shape, dataset.test_samples.shape) == ((30, 4), (10, 4))
    assert sorted(np.bincount(dataset.test_labels)) == [3, 3, 4]


def test_labels_may_be_numbers_and_cells_quoted(tmp_path):
    write(tmp_path, '\ufeffa,"the ""label"""\r\n' + "".join(f'"{i}", {10 - i % 3} \r\n\r\n' for i in range(12)))
    dataset = read(tmp_path, label='the "label"', test=3)
    assert dataset.classes == ("8", "9", "10")
    assert dataset.samples.shape == (9, 1)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (("width", "species"), "line 1: columns 2 and 3 are both 'species'; rename one of them"),
        ((",species,", ",specie,"), "line 1: must have one column 'species', .* has 0; did you mean 'specie'?"),
        (("7,", "seven,"), "line 3: column 'length' must have a finite number, has 'seven'"),
        (("7,", "1e999,"), "line 3: column 'length' must have a finite number, has 'inf'"),
        (("7,", "1e300,"), "line 3: column 'length' must have a number, none beyond 3.4e[+]38, has '1e[+]300'"),
        (("8\n", "tall\n"), "line 3: column 'depth' must have a finite number, has 'tall'"),
        (("7,", "7,7,"), "line 3: must have 5 columns, as line 1 has, has 6"),
        (("7,", ""), "line 3: must have 5 columns, as line 1 has, has 4"),
        (("dog", " "), "each line must have a label in column 'species', but line 3 has none; remove such lines"),
        (("dog", '"dog'), "line 3: not a line of a CSV file: unexpected end of data"),
    ],
)
def test_what_is_not_a_table_of_numbers_costs_one_line_with_its_place(tmp_path, change, rule):
    content = HEADER + "1,cat,2,3,4\n7,dog,5,6,8\n"
    assert change[0] in content
    write(tmp_path, content.replace(*change))
    with pytest.raises(DataError, match=rule) as caught:
        read(tmp_path, test=1)
    assert str(caught.value).startswith(f"{tmp_path}/train.csv: ")


def test_files_without_rows_columns_or_text_cost_one_line(tmp_path):
    for content, rule in (
        ("", "train.csv: line 1: must have one column 'species'"),
        (HEADER, "train.csv: must have lines of values below its header, has none"),
        ("species\ncat\ndog\n", "train.csv: line 1: must have columns of values beside the label, has none"),
        (HEADER + "1,cat,2,3,4\n" * 9, "train.csv: must have samples of at least 2 classes, has 1"),
    ):
        write(tmp_path, content)
        assert rule in line(tmp_path)
    (tmp_path / "train.csv").write_bytes(HEADER.encode() + b"1,\xff\xfe,2,3,4\n")
    assert "must be text in UTF-8, is not" in line(tmp_path)


def test_a_test_file_must_fit(tmp_path):
    write(tmp_path, HEADER + "".join(lines(40)))
    for_test = {"test": None, "test_path": "test.csv"}
    write(tmp_path, HEADER.replace("width,height", "height,width") + "1,setosa,2,3,4\n", "test.csv")
    assert read(tmp_path, **for_test).test_samples.tolist() == [[1, 3, 2, 4]]  # columns are known by their names
    write(tmp_path, HEADER.replace("width", "widht") + "1,setosa,2,3,4\n", "test.csv")
    assert line(tmp_path, **for_test).endswith("train.csv, has no 'width'; did you mean 'widht'?")
    write(tmp_path, HEADER.replace("depth", "depth,age") + "1,setosa,2,3,4,5\n", "test.csv")
    assert line(tmp_path, **for_test).endswith("train.csv, has 'age' as well")
    write(tmp_path, HEADER + "1,setsoa,2,3,4\n", "test.csv")
    assert line(tmp_path, **for_test).endswith("got 'setsoa'; did you mean 'setosa'?")
    assert line(tmp_path, test=None, test_path="tset.csv").endswith(f"did you mean '{tmp_path}/test.csv'?")
    assert line(tmp_path, test=None).endswith("must have test_path or test = n, to test on, has neither")
    rule = f"must have as many pixels as {tmp_path}/train.csv has columns of numbers, 4, has 27 (3 × 3 × 3 channels)"
    assert line(tmp_path, image_shape=(3, 3, 3)).endswith(rule)
