"""Hyperparameter importance: a bar for each hyperparameter of each stage. May import NumPy."""

from collections.abc import Sequence

from hpsearch.reporting.figures.drawing.axes import Axes
from hpsearch.reporting.figures.drawing.scene import Paint
from hpsearch.reporting.figures.style import character, colour, one_line, svg
from hpsearch.reporting.sections.importance import HyperparameterImportance, StageImportance


def importance_figure(found: Sequence[StageImportance]) -> str:
    """Return the figure of all stages with at least two hyperparameters, "" if there are none."""
    stages = [stage for stage in found if len(stage.hyperparameters) > 1]
    if not stages:
        return ""
    # The most important hyperparameter on top, by its highest share in any stage.
    highest: dict[str, float] = {}
    for stage in stages:
        for each in stage.hyperparameters:
            highest[each.key] = max(highest.get(each.key, 0.0), each.share)
    bars: list[tuple[float, StageImportance, HyperparameterImportance]] = []
    ticks, row = [], 0.0
    for key in sorted(highest, key=lambda key: -highest[key]):
        group = [(stage, each) for stage in stages for each in stage.hyperparameters if each.key == key]
        bars += [(row + offset, stage, each) for offset, (stage, each) in enumerate(group)]
        ticks.append((row + (len(group) - 1) / 2, group[0][1].label))
        row += len(group) + 0.8

    def draw(axes: Axes) -> None:
        for at, stage, each in bars:
            _bar(axes, at, stage.index, each)
        axes.yaxis.set_ticks([at for at, _ in ticks], [one_line(label, 18) for _, label in ticks])
        axes.yaxis.set_limits(row - 1.2, -0.8)
        axes.xaxis.set_limits(0, 1.2)
        axes.xaxis.set_ticks([0, 0.25, 0.5, 0.75, 1], lambda value: f"{100 * value:.0f}")
        axes.xaxis.set_label("share of the total importance by PED-ANOVA (%)")
        axes.yaxis.grid, axes.yaxis.length = False, 0.0

    shares = "; ".join(
        f"{stage.stage}: {', '.join(f'{each.label} {each.text}' for each in stage.hyperparameters)}" for stage in stages
    )
    return svg("importance", f"Importance of the hyperparameters. {shares}.", (4.7, 0.75 + 0.27 * row), draw)


def _bar(axes: Axes, at: float, index: int, each: HyperparameterImportance) -> None:
    tone = colour(index)
    paint = Paint(tone, 1.2, tone) if each.significant else Paint(tone, 1.2, dash=(3.6, 2.4))
    axes.barh(at, each.share, height=0.72, paint=paint)
    text = f"{character(index)} {each.text}"
    axes.text(1.2, at, text, align="right", size=9)
