"""The confusion matrix: a cell for each true and predicted class, as a share of the former. May import NumPy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hpsearch.reporting import formatting
from hpsearch.reporting.figures.drawing.axes import Axes
from hpsearch.reporting.figures.drawing.scene import Paint
from hpsearch.reporting.figures.style import COLOURS, one_line, svg


def confusion_matrix_figure(shares: NDArray[np.float64], classes: Sequence[str]) -> str:
    """Return the figure of `shares` (true classes, predicted classes), in which each row adds up to 1."""
    number = len(classes)

    def draw(axes: Axes) -> None:
        for true in range(number):
            for predicted in range(number):
                share = float(shares[true, predicted])
                across, up = (predicted - 0.5, predicted + 0.5), (true - 0.5, true + 0.5)
                axes.rectangle(across, up, Paint(fill=COLOURS[0], opacity=0.6 * share**0.7))
                if share >= 0.005:
                    text = f"{100 * share:.0f}"
                    axes.text(predicted, true, text, align="center", size=9 if number <= 12 else 7)
        names = [one_line(name, 12) for name in classes]
        slanted = max(map(len, names)) > 2
        axes.xaxis.set_ticks(range(number), names, rotation=45 if slanted else 0)
        axes.yaxis.set_ticks(range(number), names)
        axes.xaxis.set_limits(-0.5, number - 0.5)
        axes.yaxis.set_limits(number - 0.5, -0.5)
        axes.xaxis.set_label("predicted class")
        axes.yaxis.set_label("true class")
        for axis in (axes.xaxis, axes.yaxis):
            axis.grid, axis.length = False, 0.0

    worst = min(range(number), key=lambda each: shares[each, each])
    alt = (
        f"Confusion matrix of {number} classes, in % of each true class; lowest recall: {classes[worst]},"
        f" {formatting.percent(float(shares[worst, worst]), 0)}."
    )
    side = 1.6 + 0.36 * number
    return svg("confusion", alt, (side + 0.4, side), draw)
