import dataclasses
import functools
import hashlib
import os
import socket
import tarfile
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tiny import file_size_limit

from hpsearch.data import fetch, fetched, load
from hpsearch.data.sources import cifar10
from hpsearch.errors import DataError


class Handler(SimpleHTTPRequestHandler):
    """Serves files, those named cut* only in part, and counts what it served."""

    def log_message(self, *arguments):
        self.server.requests.append(self.path)

    def copyfile(self, source, outputfile):
        whole = source.read()
        outputfile.write(whole[: len(whole) // 2] if "/cut/" in self.path else whole)


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """Serve `tmp_path/served` on this machine: .url, .requests, .folder."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "served" / "cut").mkdir(parents=True)
    handler = functools.partial(Handler, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.url, server.requests, server.folder = f"http://127.0.0.1:{server.server_port}", [], tmp_path / "served"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def published(mirror, write_cifar10, tmp_path, monkeypatch):
    """Return a function that publishes a layout on the mirror, with its MD5 as the known one."""

    def publish(layout, *, leave_out="", where=""):
        chosen = cifar10.LAYOUTS[layout]
        source = write_cifar10(tmp_path / "source", layout)
        archive = mirror.folder / where / chosen.archive
        with tarfile.open(archive, "w:gz") as tar:
            for name in chosen.files:
                if name != leave_out:
                    tar.add(source / name, f"{chosen.folder}/{name}")
            tar.add(source, "../outside", recursive=False)
        md5 = hashlib.md5(archive.read_bytes()).hexdigest()
        monkeypatch.setitem(cifar10.LAYOUTS, layout, dataclasses.replace(chosen, md5=md5))
        return archive

    return publish


def empty(directory):
    return not directory.exists() or not list(directory.iterdir())


@pytest.mark.parametrize("layout", sorted(cifar10.LAYOUTS))
def test_what_is_fetched_loads_and_nothing_else_is_left(mirror, published, tmp_path, layout):
    published(layout)
    folder = fetch("cifar10", tmp_path / "data", layout, url=mirror.url)
    assert folder == tmp_path / "data" / cifar10.LAYOUTS[layout].folder
    assert sorted(os.listdir(folder)) == sorted(cifar10.LAYOUTS[layout].files)
    assert os.listdir(tmp_path / "data") == [folder.name]
    assert not (tmp_path / "outside").exists()
    assert load("cifar10", tmp_path / "data").fingerprint == load("cifar10", tmp_path / "source").fingerprint


def test_fetching_again_downloads_nothing(mirror, published, tmp_path):
    published("binary")
    assert fetched("cifar10", tmp_path / "data", "binary") is None
    folder = fetch("cifar10", tmp_path / "data", "binary", url=mirror.url + "/")
    assert fetch("cifar10", tmp_path / "data", "binary", url=mirror.url) == folder
    assert len(mirror.requests) == 1
    assert fetched("cifar10", tmp_path / "data", "binary") == folder


def test_fetching_repairs_a_damaged_folder_and_keeps_other_files(mirror, published, tmp_path):
    published("python")
    folder = fetch("cifar10", tmp_path / "data", url=mirror.url)
    (folder / "data_batch_2").write_bytes(b"")
    (folder / "notes.txt").write_text("mine")
    assert fetch("cifar10", tmp_path / "data", url=mirror.url) == folder
    assert len(load("cifar10", folder).samples) == 200
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_wrong_md5_is_refused(mirror, published, tmp_path):
    archive = published("binary")
    archive.write_bytes(archive.read_bytes() + b"x")
    with pytest.raises(DataError, match=r"binary.tar.gz: the archive's MD5 must be \w{32}, as published, got \w{32}"):
        fetch("cifar10", tmp_path / "data", "binary", url=mirror.url)
    assert empty(tmp_path / "data")


def test_a_missing_archive_says_what_the_server_answered(mirror, tmp_path):
    with pytest.raises(DataError, match=r"python.tar.gz: cannot be downloaded: the server answered 404 File not found"):
        fetch("cifar10", tmp_path / "data", url=mirror.url)
    assert empty(tmp_path / "data")


def test_a_cut_download_is_refused(mirror, published, tmp_path):
    published("binary", where="cut")
    with pytest.raises(DataError, match=r"cannot be downloaded: no answer, or an incomplete one|MD5 must be"):
        fetch("cifar10", tmp_path / "data", "binary", url=f"{mirror.url}/cut")
    assert empty(tmp_path / "data")


def test_no_connection_costs_one_line(mirror, tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(DataError, match=r"cannot be downloaded: no answer.*\(ConnectionError\)$"):
            fetch("cifar10", tmp_path / "data", url=url)


@pytest.mark.parametrize("url", ["nonsense", "http://", "ftp://127.0.0.1", "file:///etc"])
def test_an_address_that_is_none_costs_one_line(tmp_path, url):
    with pytest.raises(DataError, match="cannot be downloaded: not an address"):
        fetch("cifar10", tmp_path / "data", url=url)


def test_an_archive_without_a_file_is_refused(mirror, published, tmp_path):
    published("matlab", leave_out="test_batch.mat")
    with pytest.raises(DataError, match=r"must hold cifar-10-batches-mat/test_batch.mat, and does not"):
        fetch("cifar10", tmp_path / "data", "matlab", url=mirror.url)
    assert empty(tmp_path / "data")


def test_a_directory_that_cannot_be_made_costs_one_line(mirror, published, tmp_path):
    published("binary")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file/data: cannot be written: Not a directory"):
        fetch("cifar10", tmp_path / "file" / "data", "binary", url=mirror.url)


def test_a_full_disk_costs_one_line_and_leaves_nothing(mirror, published, tmp_path):
    published("binary")
    with file_size_limit(100_000), pytest.raises(DataError, match=r"data: cannot be written: File too large"):
        fetch("cifar10", tmp_path / "data", "binary", url=mirror.url)
    assert empty(tmp_path / "data")


def test_what_a_killed_download_left_goes_when_it_is_stale(mirror, published, tmp_path):
    published("binary")
    for name, seconds in ((".fetching-old", 7200), (".fetching-new", 60)):
        (tmp_path / "data" / name).mkdir(parents=True)
        os.utime(tmp_path / "data" / name, (time.time() - seconds,) * 2)
    fetch("cifar10", tmp_path / "data", "binary", url=mirror.url)
    assert sorted(os.listdir(tmp_path / "data")) == [".fetching-new", "cifar-10-batches-bin"]


def test_progress_is_shown_on_standard_error(mirror, published, tmp_path, capsys):
    published("binary")
    fetch("cifar10", tmp_path / "data", "binary", url=mirror.url, progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.endswith("100% of 1 MB\r\n")
