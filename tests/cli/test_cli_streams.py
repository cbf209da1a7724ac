"""Streams that are not there, full, or gone: the work goes on, nobody sees a traceback, the exit status still tells."""

import errno
import io
import os
import shlex
import subprocess
import sys

import pytest
from tiny import ROOT, TINY, ranking, url, workspace

import hpsearch
from hpsearch.api.streams import safe, safe_streams
from hpsearch.cli import main

ONE_STAGE = TINY.partition('[[stage]]\nname = "fine"')[0].replace("trials = 5", "trials = 2")


class Failing(io.StringIO):
    """A stream that fails to write, as a full disk, a pipe without a reader or a terminal that is gone."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def write(self, text=""):
        raise OSError(self.number, os.strerror(self.number))

    flush = write


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


class OnlyWrites:
    """What a program may set as sys.stdout."""

    def write(self, text):
        return len(text)


STREAMS = {
    "absent": lambda: None,
    "of one method": OnlyWrites,
    "closed": closed,
    "full": lambda: Failing(errno.ENOSPC),
    "without a reader": lambda: Failing(errno.EPIPE),
    "terminal gone": lambda: Failing(errno.EIO),
}


@pytest.mark.long
@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("which", ["stdout", "stderr"])
def test_a_search_and_its_report_go_on_without_a_stream(tmp_path, monkeypatch, stream, which):
    monkeypatch.chdir(tmp_path)
    study = str(workspace(tmp_path, ONE_STAGE))
    monkeypatch.setattr(sys, which, stream())
    options = ["--storage", url(tmp_path), "--backend", "threading", "--workers", "1"]
    assert main(["launch", study, *options]) == 0
    assert (tmp_path / "reports" / "tiny" / "index.html").exists()
    assert ranking(tmp_path).count("complete") == 2
    assert main(["launch", study, *options]) == 2  # it exists already, which may be impossible to say


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_hpsearch_launch_in_python_needs_no_streams(tmp_path, monkeypatch, stream):
    study = workspace(tmp_path, ONE_STAGE)
    for which in ("stdout", "stderr"):
        monkeypatch.setattr(sys, which, stream())
    found = hpsearch.launch(study, storage=url(tmp_path), backend="sequential", progress=True, on_trial=flushes)
    assert len(found.trials) == 2


def flushes(event):
    """What loky does before it starts a process."""
    sys.stdout.flush()
    sys.stderr.flush()


def test_a_program_without_streams_starts_workers(tmp_path, monkeypatch):
    study = workspace(tmp_path, ONE_STAGE)
    program = f"import hpsearch; hpsearch.launch({str(study)!r}, storage={url(tmp_path)!r}, workers=1)"
    command = f"{sys.executable} -c {shlex.quote(program)} >&- 2>&- <&-"
    assert subprocess.run(["sh", "-c", command], cwd=ROOT, check=False).returncode == 0
    assert ranking(tmp_path).count("complete") == 2


@pytest.mark.parametrize(("number", "said"), [(errno.ENOSPC, 1), (errno.EPIPE, 0)], ids=["full", "without a reader"])
def test_a_command_that_only_prints_fails_where_its_output_is_lost(monkeypatch, capsys, number, said):
    monkeypatch.setattr(sys, "stdout", Failing(number))
    assert main(["schema"]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert errors == ["hpsearch: standard output cannot be written: No space left on device"][:said]


@pytest.mark.long
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="of Linux")
@pytest.mark.parametrize("redirection", [">/dev/full", ">&- 2>&- <&-"])
def test_a_shell_may_close_or_fill_any_stream(redirection):
    command = f"{sys.executable} -m hpsearch schema {redirection}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == (1 if redirection == ">/dev/full" else 0)
    assert len(done.stderr.splitlines()) == (1 if redirection == ">/dev/full" else 0)


class Unreadable(io.StringIO):
    """A standard input that cannot be read: open for writing only, or a terminal that is gone."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def readline(self, size=-1):
        raise self.error


@pytest.mark.parametrize(
    "error", [OSError(errno.EBADF, "x"), OSError(errno.EIO, "x"), UnicodeDecodeError("a", b"", 0, 1, "x")]
)
def test_an_input_that_cannot_be_read_answers_no_question(tmp_path, monkeypatch, capsys, error):
    (tmp_path / "table.csv").write_text("a,label\n" + "1,x\n2,y\n" * 30)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", Unreadable(error))
    assert main(["new", "study", "table.csv"]) == 2
    assert capsys.readouterr().err.endswith("hpsearch: new study: the answers ended early; --yes takes the defaults\n")


def test_the_streams_are_given_back():
    before = sys.stdout, sys.stderr
    with safe_streams():
        assert (sys.stdout, sys.stderr) != before
        assert safe(sys.stdout) is sys.stdout
    assert (sys.stdout, sys.stderr) == before
