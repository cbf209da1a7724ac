"""A study's frames as Parquet files. May import pandas, our frames and ranking; needs pyarrow (the extra `parquet`)."""

import io
import json
from typing import Any

import pandas as pd

from hpsearch.reporting.formats.tables import ranking_frame
from hpsearch.reporting.frames import Frames


def parquet_files(frames: Frames) -> dict[str, str | bytes]:
    """Return each frame as a Parquet file; structured values are JSON text, as in ranking.csv."""
    named = {"ranking": ranking_frame(frames), "trials": frames.trials, "curves": frames.curves}
    return {f"{name}.parquet": _parquet(frame) for name, frame in (named | {"stages": frames.stages}).items()}


def _parquet(frame: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.assign(**{str(name): _uniform(frame[name]) for name in frame}).to_parquet(out, engine="pyarrow", index=False)
    return out.getvalue()


def _uniform(values: pd.Series) -> pd.Series:
    """Give a column of mixed Python values one type: numbers if all are, else text, JSON where it is not text."""
    if values.dtype != object:
        return values
    kept = [None if value is None or value != value else value for value in values]
    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in kept):
        return pd.to_numeric(pd.Series(kept, index=values.index, dtype="float64"))
    return pd.Series([_text(value) for value in kept], index=values.index, dtype="object")


def _text(value: Any) -> str | None:
    text = value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return None if text is None else text.encode(errors="replace").decode()
