"""`hpsearch export`: write a study, or a model of it, in a format. May import this package and reporting's frames."""

import os
from dataclasses import dataclass
from pathlib import Path

from hpsearch.errors import HpsearchError, InputError
from hpsearch.exporting.card import write_card
from hpsearch.exporting.files import FOLDER, default_path
from hpsearch.exporting.trained_model import find_trial, load_model, trial_name
from hpsearch.reporting.frames import Frames
from hpsearch.search.stages.whole import ON_ALL
from hpsearch.storage.database import open_to_read
from hpsearch.storage.masking import shown

FORMATS = {
    "joblib": "one trial's model, as a scikit-learn estimator that needs no file of the study",
    "npz": "one trial's weights, as NumPy's arrays",
    "onnx": "one trial's model, for any ONNX runtime",
    "mlflow": "all trials, as runs of an MLflow experiment",
    "tensorboard": "all trials, as TensorBoard's event files",
}


MODELS = ("joblib", "npz", "onnx")
"""The formats that have one model, with a card beside it."""


@dataclass(frozen=True)
class Exported:
    """What was written where: the trial, or the number of trials; of a model, where its card is."""

    format: str
    place: str
    what: str
    card: str | None = None


def export(
    frames: Frames,
    format_name: str,
    to: str | None = None,
    trial: str | None = None,
    data_dir: Path | None = None,
    *,
    trust_model: bool = False,
) -> Exported:
    """Write an export; `to` is a path, for MLflow also the URL of a server or a database.

    `trial` is STAGE:NUMBER. The default for a model is the one trained on all samples, else the first replicate of
    [final], else the best trial of the last search; for MLflow and TensorBoard it is all trials that have ended. Raises
    InputError for an unknown trial or a path that cannot be written.
    """
    if format_name not in FORMATS:
        raise InputError(f"--format must be one of {', '.join(FORMATS)}, got {format_name!r}")
    if to is not None and (not to or "\0" in to):
        raise InputError(f"--to must be a path, got {to!r}")
    name = frames.study["name"]
    if format_name in MODELS:
        path = Path(to) if to is not None else default_path(name, f".{format_name}")
        return _export_model(frames, format_name, path, trial, data_dir, trust_model)
    chosen = find_trial(frames, trial) if trial is not None else None
    if trial == ON_ALL:
        raise InputError(f"--trial must be one that was evaluated for --format {format_name}, got {trial!r}")
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


def _export_model(
    frames: Frames, format_name: str, path: Path, trial: str | None, data_dir: Path | None, trusted: bool
) -> Exported:
    chosen = find_trial(frames, trial)
    model = load_model(frames, chosen, data_dir, trusted=trusted)
    if format_name == "joblib":
        from hpsearch.exporting.self_contained import write_joblib

        write_joblib(model, path)
    elif format_name == "npz":
        from hpsearch.exporting.arrays import write_npz

        write_npz(model, path)
    else:
        from hpsearch.exporting.onnx.write import write_onnx

        write_onnx(model, path)
    card = write_card(frames, chosen, model, format_name, path)
    on_all = ", trained on all samples" if chosen.get("on_all") else ""
    return Exported(format_name, str(path), f"trial {trial_name(chosen)}{on_all}", str(card))


def _tracking_uri(to: str | None) -> str:
    """Return MLflow's URI for a path or a URI; raise InputError for a database of hpsearch."""
    uri = to or os.environ.get("MLFLOW_TRACKING_URI") or str(FOLDER / "mlflow.db")
    if "://" not in uri:
        path = Path(uri)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{path.parent}: the directory cannot be made: {error.strerror}") from error
        uri = f"sqlite:///{path}"
    if "sql" in uri.partition("://")[0] and _is_ours(uri):
        raise InputError(f"--to: {shown(uri)} is a database of hpsearch, which the tables of MLflow would break")
    return uri


def _is_ours(url: str) -> bool:
    try:
        open_to_read(url).dispose()
    except HpsearchError:  # MLflow reports what is wrong with it
        return False
    return True


def _trials(number: int) -> str:
    return "1 trial" if number == 1 else f"{number:,} trials"
