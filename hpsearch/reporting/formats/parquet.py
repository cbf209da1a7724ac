"""The frames of a report as Parquet files. May import pandas; needs pyarrow (the extra `parquet`)."""

import io
import json
from typing import Any

import pandas as pd

from hpsearch.reporting.formats.content import Content, Files
from hpsearch.reporting.formats.csv import ranking_frame
from hpsearch.storage.records import ACCURACY


def files(content: Content) -> Files:
    """Return ranking, trials, curves, metrics, stages; structured values are JSON texts, as in ranking.csv."""
    frames = content.frames
    named = {"trials": frames.trials, "curves": frames.curves, "stages": frames.stages}
    if not frames.metrics.empty:
        named["metrics"] = frames.metrics
    if frames.goal == ACCURACY and frames.metrics.empty:  # the same accuracies under another name
        named["trials"] = frames.trials.drop(columns=["test_value", "test_metrics"])
        named["curves"] = frames.curves.drop(columns=["value"])
    return {f"{name}.parquet": _parquet(frame) for name, frame in ({"ranking": ranking_frame(frames)} | named).items()}


def _parquet(frame: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.assign(**{str(name): _uniform(frame[name]) for name in frame}).to_parquet(out, engine="pyarrow", index=False)
    return out.getvalue()


def _uniform(values: pd.Series) -> pd.Series:
    """Give a column of mixed Python values one type: numbers if all are numbers, else text, with JSON for the rest."""
    if values.dtype != object:
        return values
    kept = [None if value is None or value != value else value for value in values]
    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in kept):
        return pd.to_numeric(pd.Series(kept, index=values.index, dtype="float64"))
    return pd.Series([_text(value) for value in kept], index=values.index, dtype="object")


def _text(value: Any) -> str | None:
    text = value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return None if text is None else text.encode(errors="replace").decode()
