"""Weights as images: each unit's weights in the first layer as an image. May import NumPy."""

import base64
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.sections.summary import configuration, final, last_search

_PNG = b"\x89PNG\r\n\x1a\n"
UNITS = 50
"""The most units that are shown, the first ones."""


@dataclass(frozen=True)
class WeightImages:
    """A montage: its caption, and for each unit its name, largest absolute weight, and image as a data URI."""

    caption: str
    units: tuple[tuple[str, str, str], ...]


def weight_images(frames: Frames, stages: Sequence[StageView]) -> WeightImages | None:
    """Return the first layer of the final's first replicate or the last search stage's best, if stored."""
    stage = final(stages) or last_search(stages)
    shape = (frames.study["data"] or {}).get("image_shape")
    if stage is None or not shape or not frames.images:
        return None
    row = stage.ranked[0]
    arrays = frames.weights(row.trial_ids[0])
    matrix = first_layer(arrays or {}, math.prod(shape))
    if arrays is None or matrix is None:
        return None
    classes = [str(name) for name in (frames.study["data"].get("classes") or [])]
    one_layer = matrix.shape[1] == len(classes) and sum(key.endswith(".weights") for key in arrays) == 1
    names = classes if one_layer else [f"unit {index + 1}" for index in range(matrix.shape[1])]
    shown = matrix.T[:UNITS]
    units = tuple(
        (name, f"{np.abs(column).max():.2g}", data_uri(weight_image(column, shape)))
        for name, column in zip(names, shown, strict=False)
    )
    what = "The weights of each class" if one_layer else "The weights of each unit of the first layer"
    some = f" (the first {len(units)} of {matrix.shape[1]:,})" if len(units) < matrix.shape[1] else ""
    colours = (
        "colours as in the images, mid-grey is zero" if shape[0] == 3 else "blue is negative, white zero, red positive"
    )
    trial = f"the first of {row.trial}" if len(row.trial_ids) > 1 else f"trial {row.trial}"
    which = trial + (f", {configuration(stage, row)}" if row.values else "")
    scale = f"Each on its own scale: {colours}; the number is its largest absolute weight."
    return WeightImages(f"{what}{some}, as images: {which}. {scale}", units)


def first_layer(arrays: Mapping[str, NDArray[Any]], inputs: int) -> NDArray[Any] | None:
    """Return the first matrix of weights (inputs, units) whose input is an image, None if there is none."""
    matching = (array for key, array in arrays.items() if key.endswith(".weights") and array.ndim == 2)
    return next((array for array in matching if array.shape[0] == inputs and array.shape[1]), None)


def weight_image(column: NDArray[Any], shape: Sequence[int]) -> NDArray[np.uint8]:
    """Return one unit's weights (channels·height·width,) as an RGB image (height, width, 3), zero in the middle."""
    channels = np.nan_to_num(np.asarray(column, dtype=np.float64)).reshape(shape)
    scaled = channels / max(float(np.abs(channels).max()), np.finfo(np.float64).tiny)
    share = 0.5 + 0.5 * scaled.transpose(1, 2, 0) if shape[0] == 3 else _diverging(scaled.mean(axis=0))
    return np.rint(255 * share).astype(np.uint8)


def _diverging(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return colours for values in [−1, 1], from blue over white to red, for all kinds of colour vision."""
    ends = np.where(values[..., None] < 0, np.array([0.02, 0.30, 0.55]), np.array([0.65, 0.10, 0.05]))
    colours: NDArray[np.float64] = 1 - np.abs(values)[..., None] * (1 - ends)
    return colours


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """Return an image as a data URI of a PNG."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(pixels))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),  # eight bits of red, green and blue
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    parts = (
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part)) for kind, part in chunks
    )
    return f"data:image/png;base64,{base64.b64encode(_PNG + b''.join(parts)).decode()}"
