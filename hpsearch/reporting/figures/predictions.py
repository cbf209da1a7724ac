"""Small diagrams of predictions: reliability, residuals, importance of a table's columns. May import NumPy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting.figures.drawing.axes import Axes
from hpsearch.reporting.figures.drawing.scene import Paint
from hpsearch.reporting.figures.drawing.ticks import linear_ticks
from hpsearch.reporting.figures.style import INK, colour, one_line, svg
from hpsearch.reporting.statistics.calibration import Reliability
from hpsearch.reporting.statistics.intervals import wilson_interval
from hpsearch.storage.records import Goal


def reliability_figure(found: Reliability) -> str:
    """Return the accuracy of each bin, with its interval, against its mean confidence; the diagonal is right."""
    points = list(zip(found.confidence, found.accuracy, found.samples, strict=True))

    def draw(axes: Axes) -> None:
        axes.plot([0, 100], [0, 100], color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        for confidence, accuracy, samples in points:
            low, high = wilson_interval(accuracy * samples, samples)
            axes.plot([100 * confidence] * 2, [100 * low, 100 * high], color=colour(0), linewidth=1.3)
        dots: dict[str, Any] = {"color": colour(0), "linestyle": "none", "marker": "o", "markersize": 5}
        axes.plot(100 * np.array(found.confidence), 100 * np.array(found.accuracy), **dots)
        axes.xaxis.set_limits(0, 102)
        axes.yaxis.set_limits(0, 102)
        axes.xaxis.set_label("probability of the predicted class (%)")
        axes.yaxis.set_label("accuracy (%)")

    texts = "; ".join(f"{100 * c:.0f}%: {100 * a:.0f}% of {n:,}" for c, a, n in points)
    return svg("reliability", f"Accuracy by probability of the predicted class. {texts}.", (3.4, 3.0), draw)


def residuals_figure(target: str, predicted: NDArray[np.float64], residual: NDArray[np.float64], number: int) -> str:
    """Return a target's residuals (true − predicted) against its predictions, a dot for each sample."""

    def draw(axes: Axes) -> None:
        axes.axhline(0, color=INK, linewidth=0.8)
        dots: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 2.5, "markeredgewidth": 0.0}
        axes.plot(predicted, residual, color=colour(0), alpha=0.6, **dots)
        axes.xaxis.set_label(f"predicted {one_line(target, 24)}")
        axes.yaxis.set_label("true − predicted")

    spread = float(np.std(residual))
    alt = f"Residuals of {target} against predictions: mean {residual.mean():.4g}, standard deviation {spread:.4g}."
    return svg(f"residuals {number}", alt, (4.0, 3.0), draw)


def features_figure(columns: Sequence[tuple[str, float, float]], goal: Goal) -> str:
    """Return a bar for each column, the most important on top: its name, the importance's mean and deviation."""
    factor = 100 if goal.share else 1

    def draw(axes: Axes) -> None:
        for place, (_, mean, spread) in enumerate(columns):
            axes.barh(place, mean, height=0.7, paint=Paint(None, 0, colour(0)))
            axes.plot([mean - spread, mean + spread], [place, place], color=INK, linewidth=1.2)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.yaxis.set_ticks(range(len(columns)), [one_line(name, 24) for name, *_ in columns])
        axes.yaxis.set_limits(len(columns) - 0.4, -0.6)
        axes.xaxis.set_ticks(linear_ticks, lambda value: f"{factor * value:,.5g}")
        axes.xaxis.set_label(f"{goal.metric} worse by{' (points)' if goal.share else ''}")
        axes.yaxis.grid, axes.yaxis.length = False, 0.0

    first = ", ".join(name for name, *_ in columns[:3])
    return svg("features", f"Importance of the columns; first {first}.", (4.9, 0.75 + 0.26 * len(columns)), draw)
