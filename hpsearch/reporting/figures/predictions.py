"""Small diagrams of predictions: reliability, residuals, importance of a table's columns. May import matplotlib."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from hpsearch.reporting.figures.style import INK, STEPS, colour, one_line, svg
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
        axes.plot(100 * np.array(found.confidence), 100 * np.array(found.accuracy), "o", color=colour(0), markersize=5)
        axes.set_xlim(0, 102)
        axes.set_ylim(0, 102)
        axes.set_xlabel("probability of the predicted class (%)")
        axes.set_ylabel("accuracy (%)")

    texts = "; ".join(f"{100 * c:.0f}%: {100 * a:.0f}% of {n:,}" for c, a, n in points)
    return svg("reliability", f"Accuracy by probability of the predicted class. {texts}.", (3.4, 3.0), draw)


def residuals_figure(target: str, predicted: NDArray[np.float64], residual: NDArray[np.float64], number: int) -> str:
    """Return a target's residuals (true − predicted) against its predictions, a dot for each sample."""

    def draw(axes: Axes) -> None:
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.plot(predicted, residual, "o", color=colour(0), markersize=2.5, alpha=0.6, markeredgewidth=0)
        axes.set_xlabel(f"predicted {one_line(target, 24)}")
        axes.set_ylabel("true − predicted")

    spread = float(np.std(residual))
    alt = f"Residuals of {target} against predictions: mean {residual.mean():.4g}, standard deviation {spread:.4g}."
    return svg(f"residuals {number}", alt, (4.0, 3.0), draw)


def features_figure(columns: Sequence[tuple[str, float, float]], goal: Goal) -> str:
    """Return a bar for each column, the most important on top: its name, the importance's mean and deviation."""
    places = list(range(len(columns)))
    factor = 100 if goal.share else 1

    def draw(axes: Axes) -> None:
        means, spreads = [mean for _, mean, _ in columns], [spread for *_, spread in columns]
        axes.barh(places, means, height=0.7, color=colour(0), xerr=spreads, error_kw={"ecolor": INK, "elinewidth": 1.2})
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(places, [one_line(name, 24) for name, *_ in columns])
        axes.set_ylim(len(columns) - 0.4, -0.6)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{factor * value:,.5g}"))
        axes.set_xlabel(f"{goal.metric} worse by{' (points)' if goal.share else ''}")
        axes.grid(False, axis="y")
        axes.tick_params(axis="y", length=0)

    first = ", ".join(name for name, *_ in columns[:3])
    return svg("features", f"Importance of the columns; first {first}.", (4.9, 0.75 + 0.26 * len(columns)), draw)
