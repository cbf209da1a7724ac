"""Trials in MLflow and TensorBoard, read back with their own readers; the command `hpsearch export`."""

import gc
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from tiny import file_size_limit, url

from hpsearch.cli import main
from hpsearch.errors import InputError
from hpsearch.exporting.export import export


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own, of SQLAlchemy
def test_mlflow_gets_each_trial_once(results, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    for expected in ("10 new of 10 trials", "0 new of 10 trials"):
        assert export(results.frames, "mlflow", str(tmp_path / "ml.db")).what == expected
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'ml.db'}")
    found = client.search_runs([client.get_experiment_by_name("tiny").experiment_id])
    (run,) = (run for run in found if run.data.tags["hpsearch.trial"] == "final:1")
    row = next(row for row in results.frames.rows if (row["stage"], row["number"]) == ("final", 1))
    curve = client.get_metric_history(run.info.run_id, "validation_loss")
    assert [m.value for m in curve] == results.curves.query(f"trial_id == {row['id']}").validation_loss.tolist()
    assert run.data.params["training.eta"] == str(row["configuration"]["training"]["eta"])
    assert run.data.metrics["best.test_accuracy"] == row["test_accuracy"]
    assert run.info.status == "FINISHED"


@pytest.mark.slow
def test_an_unreachable_mlflow_fails_in_seconds_without_its_password_in_the_message(results, monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    requests: list[str] = []

    class Dead(BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            self.send_error(503)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Dead) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(InputError, match=r"--to http://me:\*\*\*@127.0.0.1:\d+: MLflow cannot be used") as refused:
            export(results.frames, "mlflow", f"http://me:s3cret@127.0.0.1:{server.server_port}")
        server.shutdown()
    assert "s3cret" not in str(refused.value)
    assert len(requests) == 4


@pytest.mark.long
def test_mlflow_never_adds_tables_to_our_database(results, study):
    pytest.importorskip("mlflow")
    with pytest.raises(InputError, match="is a database of hpsearch, which the tables of MLflow would break"):
        export(results.frames, "mlflow", str(study / "study.db"))


@pytest.mark.long
def test_tensorboard_gets_scalars_by_epoch(results, tmp_path):
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    folder = tmp_path / "tb"
    assert export(results.frames, "tensorboard", str(folder)).what == "10 trials"
    (path,) = (folder / "fine-0").iterdir()
    events = [Event.FromString(record) for record in records(path.read_bytes())]
    scalars = [(e.step, v.tag, v.simple_value) for e in events for v in e.summary.value if v.tag == "validation/loss"]
    row = next(row for row in results.frames.rows if (row["stage"], row["number"]) == ("fine", 0))
    curve = results.curves.query(f"trial_id == {row['id']}")
    assert [step for step, _, _ in scalars] == curve.epoch.tolist()
    assert np.allclose([value for _, _, value in scalars], curve.validation_loss)
    with pytest.raises(InputError, match="exists already; delete it, or name another with --to"):
        export(results.frames, "tensorboard", str(folder))


def test_tensorboard_on_a_full_disk_costs_one_line(results, tmp_path):
    pytest.importorskip("tensorboardX")
    with file_size_limit(1000), pytest.raises(InputError, match="tb: cannot be written: File too large"):
        export(results.frames, "tensorboard", str(tmp_path / "tb"))
    gc.collect()  # a writer that is left, with what it could not write, would warn here
    assert not list(tmp_path.iterdir())


def records(content):
    """The records of an event file: length (8 bytes), its checksum (4), the record, its checksum (4)."""
    while content:
        size = int.from_bytes(content[:8], "little")
        yield content[12 : 12 + size]
        content = content[16 + size :]


@pytest.mark.long
def test_one_trial_can_be_exported_alone(results, tmp_path):
    pytest.importorskip("tensorboardX")
    assert export(results.frames, "tensorboard", str(tmp_path / "tb"), "fine:1").what == "1 trial"
    assert os.listdir(tmp_path / "tb") == ["fine-1"]


def test_export_prints_its_path(study, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["export", "tiny", "--format", "npz", "--storage", url(study)]) == 0
    assert capsys.readouterr().out.startswith(
        "exports/tiny.npz: trial final:0; exports/tiny.npz.md says how good it is"
    )
    assert main(["export", "tiny", "--format", "npz", "--trial", "fine:0", "--json", "--storage", url(study)]) == 0
    assert json.loads(capsys.readouterr().out)["what"] == "trial fine:0"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "file/x.npz"], "file/x.npz: cannot be written: "),
        (["--to", "."], ".: must be a file, or a name for a new one, but is a folder"),
        (["--to", "pipe"], "pipe: must be a file, or a name for a new one, but is a device, a pipe or a socket"),
        (["--to", "x" * 300], "x: cannot be written: File name too long"),
        (["--to", ""], "--to must be a path, got ''"),
        (
            ["--trial", "final:7"],
            "trial must name one of study 'tiny' as STAGE:NUMBER, got 'final:7'; stage 'final' has trials 0 to 1",
        ),
        (["--trial", "finl:0"], "as STAGE:NUMBER, got 'finl:0'; did you mean 'final'?"),
        (["--trial", "coarse:0", "--data-dir", "nowhere"], ""),
    ],
)
def test_a_bad_export_is_one_line(study, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    os.mkfifo("pipe")
    status = main(["export", "tiny", "--format", "npz", *arguments, "--storage", url(study)])
    error = capsys.readouterr().err
    assert status == (2 if message else 0)
    assert message in error
    assert error.count("\n") == (1 if message else 0)


def test_a_missing_package_is_named_with_its_extra(results, tmp_path, monkeypatch):
    for module in ("onnx.write", "mlflow", "tensorboard"):
        monkeypatch.setattr(f"hpsearch.exporting.{module}.find_spec", lambda name: None)
    for name in ("onnx", "mlflow", "tensorboard"):
        with pytest.raises(InputError, match=rf"not installed: pip install 'hpsearch\[{name}\]'"):
            export(results.frames, name, str(tmp_path / "x"))
