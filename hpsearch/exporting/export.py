"""`hpsearch export`: a study, or a model of it, in the format named. May import this package and reporting's frames."""

import os
from dataclasses import dataclass
from pathlib import Path

from hpsearch.errors import HpsearchError, InputError
from hpsearch.exporting.files import FOLDER, default_path
from hpsearch.exporting.trained_model import called, find_trial, finished
from hpsearch.reporting.frames import Frames
from hpsearch.storage.database import open_to_read
from hpsearch.storage.masking import shown

FORMATS = {
    "npz": "one trial's weights, as NumPy's arrays",
    "onnx": "one trial's network, for any ONNX runtime",
    "mlflow": "all trials, as runs of an MLflow experiment",
    "tensorboard": "all trials, as TensorBoard's event files",
}


@dataclass(frozen=True)
class Exported:
    """What was written where: the trial, or how many trials."""

    format: str
    place: str
    what: str


def export(
    frames: Frames, format_name: str, to: str | None = None, trial: str | None = None, data_dir: Path | None = None
) -> Exported:
    """Write an export; `to` is a path, for MLflow also the address of a server or a database.

    Without `trial` (STAGE:NUMBER) the models are the final's first replicate, else the last search's best, and the
    trials are all that have ended. Raises InputError for what cannot be had or written, in one line.
    """
    if format_name not in FORMATS:
        raise InputError(f"--format must be one of {', '.join(FORMATS)}, got {format_name!r}")
    if to is not None and (not to or "\0" in to):
        raise InputError(f"--to must be a path, got {to!r}")
    name = frames.study["name"]
    if format_name in ("npz", "onnx"):
        path = Path(to) if to is not None else default_path(name, f".{format_name}")
        return _export_model(frames, format_name, path, trial, data_dir)
    chosen = find_trial(frames, trial) if trial is not None else None
    from hpsearch.exporting.trials import runs

    found = list(runs(frames, chosen))
    if format_name == "tensorboard":
        from hpsearch.exporting.tensorboard import write_tensorboard

        folder = write_tensorboard(found, Path(to) if to is not None else default_path(name, "-tensorboard"))
        return Exported(format_name, str(folder), _trials(len(found)))
    from hpsearch.exporting.mlflow import write_mlflow

    uri = _tracking_uri(to)
    new = write_mlflow(frames, found, uri)
    return Exported(format_name, shown(uri), f"{new} new of {_trials(len(found))}")


def _export_model(frames: Frames, format_name: str, path: Path, trial: str | None, data_dir: Path | None) -> Exported:
    chosen = find_trial(frames, trial)
    model = finished(frames, chosen, data_dir)
    if format_name == "npz":
        from hpsearch.exporting.arrays import write_npz

        write_npz(model, path)
    else:
        from hpsearch.exporting.onnx import write_onnx

        write_onnx(model, path)
    return Exported(format_name, str(path), f"trial {called(chosen)}")


def _tracking_uri(to: str | None) -> str:
    """Return MLflow's address for a path or an address; raise InputError for one where our own tables are."""
    uri = to or os.environ.get("MLFLOW_TRACKING_URI") or str(FOLDER / "mlflow.db")
    if "://" not in uri:
        path = Path(uri)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{path.parent}: the directory cannot be made: {error.strerror}") from error
        uri = f"sqlite:///{path}"
    if "sql" in uri.partition("://")[0] and _is_ours(uri):
        raise InputError(f"--to: {shown(uri)} is a database of hpsearch's, and MLflow's tables would break it")
    return uri


def _is_ours(url: str) -> bool:
    try:
        open_to_read(url).dispose()
    except HpsearchError:  # MLflow will say what may be wrong with it
        return False
    return True


def _trials(number: int) -> str:
    return "1 trial" if number == 1 else f"{number:,} trials"
