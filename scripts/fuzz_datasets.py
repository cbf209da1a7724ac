"""Datasets and tables that are damaged in many ways, for `scripts/fuzz --kind datasets`."""

import csv
import gzip
import io
import math
import pickle
import random
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

CELLS = (
    *("", " ", "x", "ä☃", "\u202egnal", "\x1b[31m", "a\0b", "NaN", "inf", "-inf", "1e400", "1e39", "-1e-320", "0x10"),
    *(
        "1,5",
        "1.234,5",
        "1 000",
        "1_000",
        "٣",
        "1e5",
        "true",
        "FALSE",
        "2026-01-31",
        "2026-02-31",
        "9999-12-31T23:59:60",
    ),
    *(
        "=1+1",
        '"',
        '""',
        "'",
        "a\nb",
        "a\rb",
        "x" * 200_000,
        "9" * 5000,
        "None",
        "null",
        "?",
        "-0",
        "+1",
        "1e",
        ".",
        "\ufeff",
    ),
)
BYTES = (b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b",", b";", b"\t", b"\x1a", b"\0" * 500)
TYPES = ("bool", "int8", "uint64", "float16", "complex64", "U3", "S3", "M8[s]", "m8[s]", "O", "V4", ">f8", "f16")
NUMBERS = (math.nan, math.inf, -math.inf, 1e300, -1e39, 5e-324, 2.0**63, -1, 0.5)
RETURNED = (
    *(
        "None",
        "[]",
        "'x'",
        "3",
        "{}",
        "[[1], [1, 2]]",
        "[None] * n",
        "np.zeros(0)",
        "np.zeros((n, 2), object)",
        "np.nan",
    ),
    *(
        "x.astype('M8[s]')",
        "x * np.inf",
        "x[:3]",
        "x.T",
        "range(n)",
        "[b'a'] * n",
        "['a', 'b'] * (n // 2)",
        "(i for i in y)",
    ),
    *("np.ma.array(x)", "x.astype('f2')", "x.astype(complex)", "1 / 0", "exit()", "y / 2", "[2**70] * n", "lambda: 0"),
    *("np.zeros((n, 2, 2, 2, 2))", "print('said') or x", "x.tolist()"),
)
KEYS: dict[str, tuple[Any, ...]] = {
    "label": ("y", "x", "", "town", ["y", "age"], "label"),
    "test": (1, 5, 10**9, 39),
    "encoding": ("utf-8", "utf-16", "latin-1", "ascii", "x", "utf-7", "idna", "rot13", "zip"),
    "separator": (",", ";", "\t", "|", " "),
    "decimal": (",", "."),
    "missing": ("keep", "impute"),
    "drop": (["age"], ["age", "town", "since", "member", "row"], ["nowhere"]),
    "categorical": (["age"], ["town"], ["y"]),
    "keep": (["row"], ["age"]),
    "columns": (["age"], []),
    "image_shape": ([1, 2, 2], [3, 1, 1], [10**9, 1, 1]),
    "size": ([4, 4], [1, 1], [3000, 3000]),
    "classes": (["a", "b"], ["a", "a"], ["a", "b", "c"]),
    "channels": ("first", "last"),
}
"""Keys of data.dataset with values that study files may give them."""

_OF_TABLES = ("label", "drop", "categorical", "keep", "columns", "image_shape", "missing")
OF_KIND = {
    "csv": (*_OF_TABLES, "encoding", "separator", "decimal"),
    "parquet": _OF_TABLES,
    "npz": ("test", "channels"),
    "idx": ("classes",),
    "folder": ("test", "size"),
    "python": ("test",),
}
"""Those that a kind has."""


class Datasets:
    """Writes small valid datasets of each kind into a folder, and damages one at a time."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random, self.folder, self.original = random.Random(seed), folder / "data", folder / "whole"
        self.tables = _write(self.original, np.random.default_rng(seed))
        shutil.copytree(self.original, self.folder)

    def damaged(self) -> tuple[dict[str, Any], str]:
        """Return what a study file says of a dataset, and what was done to it."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.original, self.folder)
        kind = self.random.choice([*self.tables, "csv", "csv", "parquet"])
        table = dict(self.tables[kind])
        done = []
        for _ in range(self.random.choice([0, 1, 1, 1, 2, 3])):
            files = [path for path in sorted(self.folder.glob(f"{kind}*/**/*")) if path.is_file()]
            path = self.random.choice(files) if files else self.folder
            done.append(f"{path.name}: {self._damage(kind, path)}")
        known = KEYS if self.random.random() < 0.1 else {key: KEYS[key] for key in OF_KIND[kind]}
        for key in self.random.sample([*known], min(len(known), self.random.choice([0, 0, 0, 1, 1, 2]))):
            table[key] = self.random.choice(KEYS[key])
            done.append(f"{key} = {table[key]!r:.40}")
        return table, f"{kind}, {'; '.join(done) or 'whole'}"

    def _damage(self, kind: str, path: Path) -> str:
        own: dict[str, Callable[[Path], str]] = {"csv": self._cells, "npz": self._arrays, "parquet": self._frame}
        own |= {"python": self._returns}
        ways = [self._flip, self._truncate, self._insert, self._another, self._gone]
        way = own[kind] if kind in own and self.random.random() < 0.6 else self.random.choice(ways)
        if not path.is_file():
            return "gone"
        try:
            with warnings.catch_warnings(action="ignore"):
                return way(path)
        except (
            ValueError,
            TypeError,
            OverflowError,
            IndexError,
            csv.Error,
        ):  # a type that does not fit, or an earlier damage
            return "as it was"

    # Of bytes

    def _flip(self, path: Path) -> str:
        content = bytearray(path.read_bytes())
        for _ in range(self.random.choice([1, 1, 4, 40]) if content else 0):
            content[self.random.randrange(len(content))] ^= 1 << self.random.randrange(8)
        path.write_bytes(content)
        return "flipped"

    def _truncate(self, path: Path) -> str:
        content = path.read_bytes()
        place = self.random.randrange(len(content) + 1)
        path.write_bytes(self.random.choice([content[:place], content[place:], b""]))
        return f"cut at {place}"

    def _insert(self, path: Path) -> str:
        content, new = path.read_bytes(), self.random.choice([*BYTES, self.random.randbytes(9)])
        for _ in range(self.random.choice([1, 1, 5])):
            place = self.random.randrange(len(content) + 1)
            content = content[:place] + new + content[place:]
        path.write_bytes(content)
        return f"{new[:9]!r} inside"

    def _another(self, path: Path) -> str:
        """Another file in its place, or the same in another encoding or compressed."""
        others = [each for each in self.original.rglob("*") if each.is_file()]
        content = self.random.choice([path, path, *others]).read_bytes()
        how = self.random.choice(["as it is", "twice", "gzip", "utf-16", "zeros"])
        if how == "utf-16":
            content = content.decode("latin-1").encode("utf-16")
        made = {"twice": content * 2, "gzip": gzip.compress(content), "zeros": bytes(len(content))}.get(how, content)
        path.write_bytes(made)
        return f"another, {how}"

    def _gone(self, path: Path) -> str:
        path.unlink()
        if self.random.random() < 0.3:
            path.mkdir()
            return "a folder"
        return "deleted"

    # Of what is in them

    def _cells(self, path: Path) -> str:
        """Cells, lines and columns of a CSV file."""
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8", "replace").replace("\0", ""))))
        how = self.random.choice(["cell", "cell", "cell", "column", "header", "line", "shorter", "sorted", "row"])
        if not rows or not rows[0]:
            return "empty"
        line, column = self.random.randrange(len(rows)), self.random.randrange(len(rows[0]))
        new = self.random.choice(CELLS)
        for number, row in enumerate(rows):
            here = number == line if how == "cell" else how == "column" and number > 0
            if (here or (how == "header" and number == 0)) and column < len(row):
                row[column] = new
            if how == "row":
                row.insert(0, str(number))
        if how == "line":
            rows.insert(line, self.random.choice([[], [new], ["1"] * 50, list(rows[0])]))
        elif how == "shorter":
            del rows[self.random.randrange(1, len(rows)) if len(rows) > 1 else 1 :]
        elif how == "sorted":
            rows[1:] = sorted(rows[1:])
        separator, end = self.random.choice(",,,;\t|"), self.random.choice(["\n", "\n", "\r\n", "\r"])
        with path.open("w", encoding="utf-8", errors="surrogatepass", newline="") as file:
            writer = csv.writer(file, delimiter=separator, lineterminator=end, quoting=self.random.choice([0, 0, 1]))
            writer.writerows(rows)
        return f"{how} {new[:20]!r} with {separator!r}"

    def _values(self, array: Any) -> Any:
        """An array of another type or shape, or with other numbers in it."""
        how = self.random.choice(["type", "shape", "values", "constant", "transposed", "short", "scalar"])
        if how == "type":
            kind = self.random.choice(TYPES)
            return array.astype(kind) if kind != "V4" else np.zeros(array.shape, "V4")
        if how == "values":
            array = array.astype(np.float64, copy=True)
            flat = array.reshape(-1)
            flat[self.random.randrange(len(flat)) :: self.random.choice([1, 7, 10**9])] = self.random.choice(NUMBERS)
            return array
        if how == "constant":
            return np.zeros_like(array)
        if how == "scalar":
            return np.array(self.random.choice([3, "x", None, [], {}]))
        if how == "shape":
            return array.reshape(self.random.choice([(-1,), (1, -1), (-1, 1), (*array.shape, 1), (1, 1, 1, 1, -1)]))
        return array.T if how == "transposed" else array[: self.random.choice([0, 1, 3])]

    def _arrays(self, path: Path) -> str:
        try:
            with np.load(path) as file:
                arrays = {name: file[name] for name in file.files}
        except Exception:  # an earlier damage
            return "unreadable"
        name = self.random.choice([*arrays])
        if self.random.random() < 0.1:
            arrays[self.random.choice(["x", "", "a/b", "../x", "x_train"])] = arrays.pop(name)
        else:
            arrays[name] = self._values(arrays[name])
        with path.open("wb") as file:
            np.savez(file, **arrays)
        return f"{name} is {arrays.get(name, np.zeros(0)).dtype}"

    def _frame(self, path: Path) -> str:
        """A column of a Parquet file of another type, or with other values."""
        try:
            frame = pd.read_parquet(path)
        except Exception:  # an earlier damage
            return "unreadable"
        name = self.random.choice([*frame.columns])
        new: dict[str, Callable[[], Any]] = {
            "list": lambda: [[1, 2]] * len(frame),
            "dict": lambda: [{"a": 1}] * len(frame),
            "bytes": lambda: [b"\xff"] * len(frame),
            "none": lambda: [None] * len(frame),
            "text": lambda: [self.random.choice(CELLS).replace("\0", "") for _ in range(len(frame))],
            "time": lambda: pd.to_timedelta(range(len(frame)), unit="s"),
            "zone": lambda: pd.date_range("1800-01-01", periods=len(frame), tz="UTC"),
            "category": lambda: frame[name].astype("category"),
            "complex": lambda: [str(self.random.choice(NUMBERS)) for _ in range(len(frame))],
            "numbers": lambda: [self.random.choice(NUMBERS) for _ in range(len(frame))],
            "large": lambda: [2**63 + 5] * len(frame),
            "decimal": lambda: pd.array(range(len(frame)), dtype="Int8"),
        }
        how = self.random.choice([*new, "rename", "drop", "empty", "index"])
        if how == "rename":
            frame = frame.rename(columns={name: self.random.choice([*CELLS[:6], "age", "y"])})
        elif how == "drop":
            frame = frame.drop(columns=name)
        elif how == "empty":
            frame = frame[:0]
        elif how == "index":
            frame = frame.set_index(name)
        else:
            frame[name] = new[how]()
        try:
            frame.to_parquet(path)
        except Exception:  # two columns of one name
            return "as it was"
        return f"{name} {how}"

    def _returns(self, path: Path) -> str:
        """Something else that `load` of a Python file returns."""
        text, keys = path.read_text(), ("'samples': x", "'labels': y", "'test_samples': x", "'test_labels': y")
        new = self.random.choice(RETURNED)
        key = self.random.choice(keys)
        text = text.replace(key, f"{key.partition(':')[0]}: {new}" if self.random.random() < 0.8 else new or "'x': 1")
        path.write_text(text)
        return f"{key} is {new}"


def damaged_pickle(rng: random.Random) -> bytes:
    """A small pickle as those of CIFAR-10 are, of other content or damaged."""
    parts = {
        b"data": rng.choice([np.zeros((5, 4), np.uint8), np.zeros(3, rng.choice(["M8[s]", "O", "f8", ">i4", "V3"]))]),
        b"labels": rng.choice([[1] * 9, list(range(300)), (), {"a": 1}, None, 1.5, np.float64(3), print, Path("x")]),
        b"batch_label": rng.choice([b"x", "x" * 300, {1, 2}, bytearray(b"x"), 2**70, frozenset([1]), b""]),
    }
    content = bytearray(pickle.dumps(parts, protocol=rng.choice([0, 1, 2, 3, 4, 5])))
    for _ in range(rng.choice([0, 1, 1, 2, 5])):
        content[rng.randrange(len(content))] = rng.choice([rng.randrange(256), *b"(.RbaeNtd2qrhjc\x93\x81\x8a\x8b"])
    return bytes(content[: rng.randrange(len(content))] if rng.random() < 0.1 else content)


def _write(folder: Path, rng: np.random.Generator) -> dict[str, dict[str, Any]]:
    """Write a dataset of each kind; return what a study file says of each."""
    for name in ("csv", "parquet", "npz", "idx", "folder/a", "folder/b", "python"):
        (folder / name).mkdir(parents=True)
    rows = 60
    frame = pd.DataFrame({"age": rng.normal(40, 12, rows).round(1), "town": rng.choice(["Oslo", "Rome", "Lima"], rows)})
    frame["since"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D")
    frame["member"] = rng.choice([True, False], rows)
    frame.loc[::9, "age"] = None
    frame["y"] = rng.choice(["no", "yes"], rows)
    for part in ("train", "test"):
        frame.to_csv(folder / "csv" / f"{part}.csv", index=False)
        frame.to_parquet(folder / "parquet" / f"{part}.parquet")
    images, labels = rng.integers(0, 256, (40, 3, 3)).astype(np.uint8), rng.integers(0, 2, 40).astype(np.uint8)
    arrays = {"x_train": images / 7.0, "y_train": labels, "x_test": images[:10] / 7.0, "y_test": labels[:10]}
    np.savez(folder / "npz" / "all.npz", **arrays)
    for name, array in (("images-idx3", images), ("labels-idx1", labels)):
        head = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
        (folder / "idx" / f"train-{name}-ubyte").write_bytes(head + array.tobytes())
        (folder / "idx" / f"t10k-{name}-ubyte.gz").write_bytes(gzip.compress(head + array.tobytes()))
    for number, (image, suffix) in enumerate(zip(images[:16], ("png", "jpg", "gif", "tif") * 4, strict=True)):
        Image.fromarray(image).save(folder / "folder" / "ab"[number % 2] / f"{number}.{suffix}")
    (folder / "python" / "data.py").write_text(
        "import numpy as np\ndef load(n=40):\n    x = np.arange(2.0 * n).reshape(n, 2) ** 0.5\n"
        "    y = np.arange(n) % 2\n    return {'samples': x, 'labels': y, 'test_samples': x, 'test_labels': y}\n"
    )
    return dict(_tables())


def _tables() -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in ("csv", "parquet"):
        yield (
            kind,
            {"kind": kind, "path": f"data/{kind}/train.{kind}", "label": "y"}
            | {"test_path": f"data/{kind}/test.{kind}"},
        )
    yield "npz", {"kind": "npz", "path": "data/npz/all.npz"}
    yield "idx", {"kind": "idx", "path": "data/idx"}
    yield "folder", {"kind": "folder", "path": "data/folder", "test": 4}
    yield "python", {"kind": "python", "path": "data/python/data.py"}
