"""A model card: what an exported model is, how good it was found to be, and how it is loaded. In Markdown.

May import reporting.
"""

import datetime
from importlib.metadata import version
from pathlib import Path

from hpsearch.data.tables.columns import Columns
from hpsearch.exporting.predictions.labels import labels_of
from hpsearch.exporting.trained_model import Record, TrainedModel, trial_name
from hpsearch.files import write_file
from hpsearch.reporting.formatting import markdown
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.rows import Estimate
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.sections.selection.final_test import GROWN, grown_since_test
from hpsearch.reporting.sections.summary import configuration, description
from hpsearch.text import visible_line
from hpsearch.version import __version__

LISTED = 30
"""So many columns or classes are named."""

LOADING = {
    "joblib": """Loading a joblib file runs code that is in it. Load it only if you trust where you have it from.

```python
import joblib

model = joblib.load("{name}")
{use}
```

It needs hpsearch {hpsearch} and scikit-learn {sklearn}; neither the study, its database nor its model file.
""",
    "onnx": """```python
import numpy as np
import onnxruntime
{pandas}
session = onnxruntime.InferenceSession("{name}")
{inputs}
({output},) = session.run(["{output}"], inputs)
```
""",
    "npz": """```python
import numpy as np

with np.load("{name}", allow_pickle=False) as arrays:
    inputs = (X - arrays["data.mean"]) / arrays["data.deviation"]  # X: (n, {features}), {given}
```
{encoding}
The other arrays are the parameters of `{file}`: {arrays}.
""",
}


SAMPLES = 'inputs = {{"samples": np.asarray(X, np.float32)}}  # X: (n, {features}), raw'
DAYS = """for name in {names}:  # days since 1970; X: a frame with the columns above
    days = pd.to_datetime(X[name], format="ISO8601", utc=True) - pd.Timestamp(0, tz="UTC")
    X = X.assign(**{{name: days / pd.Timedelta(days=1)}})
"""
COLUMNS = """inputs = {}
for each in session.get_inputs():  # X: a frame with the columns above
    kind = str if each.type == "tensor(string)" else np.float64
    inputs[each.name] = np.array([[kind(value)] for value in X[each.name]])"""
"""What an ONNX graph is given: all samples, or a table's columns one by one."""


def write_card(frames: Frames, trial: Record, model: TrainedModel, format_name: str, path: Path) -> Path:
    """Write the card beside the model's file, with `.md` after its name; return its path."""
    card = path.with_name(f"{path.name}.md")
    return write_file(card, card_of(frames, trial, model, format_name, path.name).encode())


def card_of(frames: Frames, trial: Record, model: TrainedModel, format_name: str, name: str) -> str:
    """Return the card as text."""
    sections = (
        ("", _what(frames, trial, model)),
        ("Data", _data(frames, trial, model)),
        ("How good it is", _score(frames, trial)),
        ("How to load it", _loading(model, format_name, name)),
        ("What it is not for", _limits(frames, trial, model)),
        ("Where it is from", _origin(frames, trial, model)),
    )
    return "\n".join(f"## {title}\n\n{text}" if title else text for title, text in sections)


def _what(frames: Frames, trial: Record, model: TrainedModel) -> str:
    kind = "values of " + ", ".join(map(markdown, model.targets)) if model.targets else f"{model.outputs:,} classes"
    said = description(frames)
    about = f"{markdown(said)}\n\n" if said else ""
    on_all = " It was trained on all samples, and is not evaluated itself." if trial.get("on_all") else ""
    columns, features = len(model.feature_names), f"{model.features:,} features"
    if columns and columns != model.features:
        features = f"{columns:,} columns ({features})"
    from_file = f"`{_plain(model.configuration.file)}`"
    return (
        f"# {markdown(model.study)}\n\n{about}A model that predicts {kind} from {features}: {from_file},"
        f" trial {trial_name(trial)} of the study.{on_all}\n"
    )


def _data(frames: Frames, trial: Record, model: TrainedModel) -> str:
    stored = frames.study["data"] or {}
    stage = next(each for each in frames.stage_rows if each["name"] == trial["stage"])
    sizes = stage["data"] or {}
    parts = [f"{sizes[part]:,} to {what}" for part, what in _PARTS.items() if sizes.get(part)]
    lines = [f"- Data set: {markdown(str(stored.get('dataset', '')))}, SHA-256 `{stored.get('fingerprint', '')[:16]}…`"]
    lines.append(f"- Samples: {', '.join(parts)}")
    if trial.get("on_all"):
        lines.append("- This model was trained on all of these together")
    if model.targets:
        lines.append(f"- Targets: {_listed(model.targets)}, in their own units")
    else:
        lines.append(f"- Classes: {_listed(model.classes)} ({_kind(model)})")
    if model.feature_names:
        lines.append(f"- Columns: {_listed(model.feature_names)}")
    elif tuple(model.image_shape[:2]) != (1, 1):
        lines.append(f"- Features: images, {' × '.join(map(str, model.image_shape))} (channels, height, width), raw")
    return "\n".join(lines) + "\n"


_PARTS = {"train": "train on", "validation": "choose by", "test": "test on"}


def _score(frames: Frames, trial: Record) -> str:
    views = view_stages(frames)
    lines = []
    own = next(view for view in views if view.name == trial["stage"])
    row = next(row for row in own.rows if trial["id"] in row.trial_ids)
    of = f" of trial {trial['stage']}:{trial['number']}, the same configuration" if trial.get("on_all") else ""
    if row.test:
        seen = any(each["test"] and each["kind"] != "final" for each in frames.stage_rows)
        used = "Stages were evaluated on them too" if seen else "The test samples were used for nothing else"
        used = f"{GROWN}, so what was added may have been chosen knowing it" if grown_since_test(frames) else used
        lines.append(f"- Test {_estimate(row.test)}{of}. {used}.")
    if row.validation:
        chosen = ", by which it was chosen, so that it is optimistic"
        if own.kind == "final":
            chosen = ", by which its epoch was chosen, so that it is optimistic" if trial["epochs"] > 1 else ""
        lines.append(f"- Validation {_estimate(row.validation)}{of}{chosen}.")
    lines.append(f"- Hyperparameters: {markdown(configuration(own, row))}")
    return "\n".join(lines) + "\n"


def _estimate(found: Estimate) -> str:
    interval = f" (95% interval {found.interval})" if found.has_interval else " (no interval is known)"
    on = f" on {found.samples:,} samples" if found.samples else ""
    return f"{found.goal.metric}: {found.text}{interval}{on}"


ESTIMATOR = """An estimator has no arrays: the file has the number of its epochs. `--format joblib` has it fitted.
"""


def _loading(model: TrainedModel, format_name: str, name: str) -> str:
    encoded = model.columns is not None and not model.columns.are_numbers
    rows = f"(n, {model.features}), raw"
    if model.feature_names:
        rows = "a frame with the columns above" + ("" if encoded else f", or {rows}")
    in_order = ", in the order of the columns above" if model.feature_names else ""
    dates = [each.name for each in model.columns.columns if each.kind == "date"] if encoded and model.columns else []
    by_column = (DAYS.format(names=str(dates).replace("`", "\\x60")) if dates else "") + COLUMNS
    use = f"model.predict(X)  # {'values' if model.targets else 'labels'}; X: {rows}"
    names = [_plain(key) for key in model.weights]
    if format_name == "npz" and set(names) == {"epochs"}:
        return ESTIMATOR
    return LOADING[format_name].format(
        name=_plain(name),
        use=use,
        pandas="import pandas as pd\n" if dates else "",
        inputs=by_column if encoded else SAMPLES.format(features=model.features) + in_order,
        given="as below" if encoded else "raw",
        encoding=_encoding(model.columns) if model.columns is not None and encoded else "",
        output="values" if model.targets else "labels",
        features=model.features,
        file=_plain(model.configuration.file),
        arrays=", ".join(f"`{key}`" for key in names[:LISTED]) + (" …" if len(names) > LISTED else ""),
        hpsearch=__version__,
        sklearn=version("scikit-learn"),
    )


def _encoding(columns: Columns) -> str:
    """How the columns of a table become features, for who has to do it."""
    fills = [
        f"`{_plain(column.name)}` by {fill:.10g}"
        for column, fill in zip(columns.columns, columns.fills, strict=False)  # a plain table has learned nothing
        if column.kind != "category"
    ]
    gaps = "A missing value is NaN" if columns.keep_missing else f"A missing value is replaced: {', '.join(fills)}"
    codes = (
        "its number among those of the training file, in order" if columns.as_codes else "a feature of its own, 1 or 0"
    )
    lines = [f"The {len(columns.features):,} features are named in `data.features`: {_listed(columns.features)}."]
    if any(each.kind == "category" for each in columns.columns):
        lines.append(f"A category is {codes}.")
    if fills:
        lines.append(f"{gaps}.")
    if any(each.kind == "date" for each in columns.columns):
        lines.append("A date is its days since 1970.")
    return "\n" + " ".join(lines) + "\n"


def _limits(frames: Frames, trial: Record, model: TrainedModel) -> str:
    lines = [
        "- Samples from another source, instrument, population or time than those of the data set: how good it is there"
        " was not measured, and the interval does not cover it.",
        "- Samples with other columns, units or preparation: it expects them raw, as they are in the data set.",
    ]
    if model.targets:
        lines.append("- Targets far outside the range of those that it was trained on.")
    else:
        lines.append("- Samples of none of its classes: it names one of them all the same.")
    if trial.get("on_all"):
        lines.append("- A comparison on samples of the data set: it was trained on all of them, so it knows them.")
    elif trial["kind"] != "final":
        lines.append("- A claim of its accuracy: it was chosen by its score, and the study has no final that tests it.")
    if frames.goal.share and not model.targets:
        lines.append("- Decisions about people or safety on its word alone: errors by group were not examined.")
    return "\n".join(lines) + "\n"


def _origin(frames: Frames, trial: Record, model: TrainedModel) -> str:
    environment = frames.study["environment"] or {}
    package = (frames.study["model"] or {}).get("package")
    made = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    trained = str(frames.study.get("finished_at") or frames.study.get("created_at") or "")[:10]
    versions = [f"{key} {environment[key]}" for key in ("hpsearch", "python", "numpy", "scipy") if key in environment]
    on = f" on {environment.get('machine', '')}"
    lines = [
        f"- Exported on {made}, trained until {trained}" if trained else f"- Exported on {made}",
        f"- Trained with {markdown(', '.join(versions + ([package] if package else [])) + on)}",
        f"- Model: SHA-256 `{model.model_hash[:16]}…`; study {markdown(model.study)}, seed {model.seed}",
        "- Hyperparameters, curves and what was tried besides: `hpsearch report`",
    ]
    return "\n".join(lines) + "\n"


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    return ", ".join(f"`{_plain(name)}`" for name in names[:LISTED]) + more


def _kind(model: TrainedModel) -> str:
    return {"i": "whole numbers", "f": "numbers", "b": "truth values"}.get(labels_of(model.classes).dtype.kind, "text")


def _plain(text: object) -> str:
    """A text of the study for a code span: on one line, without what would end it. Elsewhere it is `markdown`."""
    return visible_line(str(text)).replace("`", "'").replace("\n", " ")
