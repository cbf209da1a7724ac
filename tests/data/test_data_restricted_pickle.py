import os
import pickle
import subprocess

import numpy as np
import pytest

from hpsearch.data import load
from hpsearch.data.sources.restricted_pickle import PickledArray, RefusedError, unpickle
from hpsearch.errors import DataError


class Calls:
    """Pickled, it becomes a call of `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def alters(function, **attributes):
    """A pickle that sets attributes of a function that is admitted."""
    module, name = function.split(" ")
    return f"c{module}\n{name}\n".encode() + b"(N" + pickle.dumps(attributes, 0)[:-1] + b"tb."


MALICIOUS = {
    "os.system": Calls(os.system, "touch called"),
    "eval": Calls(eval, "open('called', 'w')"),
    "exec": Calls(exec, "open('called', 'w')"),
    "getattr": Calls(getattr, os, "system") if os.name == "nt" else Calls(getattr, "", "join"),
    "import": Calls(__import__, "os"),
    "open": Calls(open, "called", "w"),
    "popen": Calls(subprocess.Popen, "touch called", True),
    "np.load": Calls(np.load, "called"),
    "np.memmap": Calls(np.memmap, "called", "uint8", "w+", 0, (3,)),
    "fromfile": Calls(np.fromfile, "called"),
    "nested": {b"data": [({"x": [Calls(os.system, "touch called")]},)]},
    "inside an object array": {b"data": np.array([Calls(os.system, "touch called")], dtype=object)},
    "pickle in a pickle": Calls(pickle.loads, pickle.dumps(Calls(os.system, "touch called"))),
}


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize("what", MALICIOUS)
def test_a_pickle_that_calls_something_is_refused_uncalled(what, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RefusedError, match="is refused"):
        unpickle(pickle.dumps(MALICIOUS[what], protocol))
    assert not (tmp_path / "called").exists()


def test_a_malicious_batch_costs_one_line(write_cifar10, tmp_path):
    batch = write_cifar10(tmp_path, "python") / "data_batch_3"
    batch.write_bytes(pickle.dumps({b"data": Calls(os.system, "true"), b"x": bytes(200_000)}))
    with pytest.raises(DataError, match=rf"data_batch_3: a pickle that calls {os.name}.system is refused; ") as caught:
        load("cifar10", tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "raw",
    [
        b"cos\nsystem\n(S'true'\ntR.",  # the oldest way to write a call
        b"(S'true'\nios\nsystem\n.",
        b"\x80\x04\x8c\x02os\x8c\x0bpath.exists\x93.",  # a dotted name
        b"\x82\x01.",  # an extension code
        b"P1\n.",  # a persistent id
        alters("numpy ndarray", __defaults__=(1,)),
        alters("_codecs encode", __class__=1),
        b"cnumpy\ndtype\n(X\x03\x00\x00\x00|O8tR.",
        b"cnumpy\ndtype\n(X\x01\x00\x00\x00OtR.",
        b"cnumpy\ndtype\n((X\x01\x00\x00\x00xX\x01\x00\x00\x00OttR.",
        b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x06\x00\x00\x00base64tR.",
        b"c__builtin__\nbytes\n(I1000\ntR.",
        b"",
        b".",
        b"\x80\x63.",
        b"not a pickle",
        pickle.dumps([1, 2, 3])[:-1],
        b"\x80\x02})" + b"\x85" * 1_000_000 + b"K\x01s.",  # a key nested too deep to be hashed
        b"\x80\x02Nr\xff\xff\xff\x7f.",  # a memo of 16 GB
        b"\x80\x05\x96\xff\xff\xff\xff\x01\x00\x00\x00abc.",  # 8 GB, of which three bytes follow
    ],
)
def test_whatever_is_not_allowed_or_not_complete_is_refused(raw):
    with pytest.raises(RefusedError) as caught:
        unpickle(raw)
    assert "\n" not in str(caught.value)


def test_an_altered_function_does_not_reach_the_next_pickle():
    with pytest.raises(RefusedError, match="alters a function"):
        unpickle(alters("numpy ndarray", _function=1))
    assert unpickle(pickle.dumps(np.arange(3), 2)).values.tolist() == [0, 1, 2]


def test_an_array_that_claims_more_than_its_bytes_is_refused():
    array = np.zeros(3, np.uint8)
    raw = pickle.dumps(array, 2).replace(b"K\x03\x85q\ncnumpy\ndtype", b"J\xff\xff\xff\x7f\x85q\ncnumpy\ndtype")
    with pytest.raises(RefusedError, match="does not fit its bytes"):
        unpickle(raw)


def test_a_long_name_with_line_breaks_stays_one_short_line():
    raw = b"\x80\x04\x8c\x02os\x8c\xc8" + b"a\nb\x1b" * 50 + b"\x93."
    with pytest.raises(RefusedError) as caught:
        unpickle(raw)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
@pytest.mark.parametrize("dtype", ["uint8", ">i4", "<f8", "bool"])
def test_plain_arrays_come_through_under_old_and_new_names(protocol, core, dtype):
    array = np.asfortranarray(np.arange(6).reshape(2, 3).astype(dtype))
    raw = pickle.dumps(array, protocol)
    if protocol < 4:  # later protocols write the name's length before it
        raw = raw.replace(b"numpy._core", core.encode())
    held = unpickle(raw)
    assert isinstance(held, PickledArray)
    assert np.array_equal(held.values, array)
    assert held.values.dtype == array.dtype


@pytest.mark.parametrize("protocol", range(6))
def test_bytes_strings_numbers_lists_and_dicts_come_through(protocol):
    held = {"a": [1, 2.5, 2**70, -3], "b": b"\x00\xff", "c": [b"", "\u03bb"], "d": {"e": (True, None)}}
    assert unpickle(pickle.dumps(held, protocol)) == held
    assert unpickle(pickle.dumps([np.int64(7), np.float32(0.5)], protocol)) == [7, 0.5]


def test_a_pickle_of_python_2_is_read():
    raw = (
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85"
        b"U\x01b\x87Rq\x05(K\x01K\x02K\x01\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x02\x07\xfftbU\x06labels]q\x08(K\x06K\x09eu."
    )
    held = unpickle(raw)
    assert held[b"data"].values.tolist() == [[7], [255]]
    assert held[b"labels"] == [6, 9]
