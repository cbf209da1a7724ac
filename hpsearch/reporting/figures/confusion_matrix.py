"""The confusion matrix: a cell for each true and predicted class, as a share of the former. May import matplotlib."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from hpsearch.reporting import formatting
from hpsearch.reporting.figures.style import COLOURS, one_line, svg


def confusion_matrix_figure(shares: NDArray[np.float64], classes: Sequence[str]) -> str:
    """Return the figure of `shares` (true classes, predicted classes), in which each row adds up to 1."""
    number = len(classes)

    def draw(axes: Axes) -> None:
        for true in range(number):
            for predicted in range(number):
                share = float(shares[true, predicted])
                corner = (predicted - 0.5, true - 0.5)
                axes.add_patch(Rectangle(corner, 1, 1, facecolor=COLOURS[0], alpha=0.6 * share**0.7, linewidth=0))
                if share >= 0.005:
                    text = f"{100 * share:.0f}"
                    axes.text(predicted, true, text, ha="center", va="center", fontsize=9 if number <= 12 else 7)
        names = [one_line(name, 12) for name in classes]
        slanted = max(map(len, names)) > 2
        axes.set_xticks(range(number), names, rotation=45 if slanted else 0, ha="right" if slanted else "center")
        axes.set_yticks(range(number), names)
        axes.set_xlim(-0.5, number - 0.5)
        axes.set_ylim(number - 0.5, -0.5)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        axes.grid(False)
        axes.tick_params(length=0)

    worst = min(range(number), key=lambda each: shares[each, each])
    alt = (
        f"Confusion matrix of {number} classes, in % of each true class; lowest recall: {classes[worst]},"
        f" {formatting.percent(float(shares[worst, worst]), 0)}."
    )
    side = 1.6 + 0.36 * number
    return svg("confusion", alt, (side + 0.4, side), draw)
