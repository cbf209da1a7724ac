"""Whether the priors of a stage's ranges were right, as sentences. May import SciPy, our statistics and views."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.reporting import formatting
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.importance import FEWEST, scored
from hpsearch.reporting.sections.ranking.replicates import configurations_of
from hpsearch.reporting.sections.ranking.stage import StageView
from hpsearch.reporting.statistics.influence import rank_correlation_text
from hpsearch.reporting.statistics.tests import LEVEL


def prior_sentences(frames: Frames, stages: Sequence[StageView]) -> list[str]:
    """Return a sentence for each range that has a prior, in the order of the stages."""
    found = []
    for view, stage in zip(stages, frames.stage_rows, strict=True):
        spans = {key: entry for key, entry in (stage["space"] or {}).items() if entry.get("prior") is not None}
        if view.kind == "final" or not spans:
            continue
        tried, scores, _ = scored(configurations_of(frames.by_stage[stage["name"]]), frames.goal)
        for key, span in spans.items():
            having = [i for i, members in enumerate(tried) if key in members[0]["params"]]
            values = [tried[i][0]["params"][key] for i in having]
            found.append(f"{view.name}: {verdict(key, span, values, [float(scores[i]) for i in having])}")
    return found


def verdict(key: str, span: Mapping[str, Any], values: Sequence[float], scores: Sequence[float]) -> str:
    """Say whether configurations nearer to the prior were better, by their rank correlation."""
    named = f"the prior of {formatting.label(key)}, {formatting.short(span['prior'])},"
    scale = math.log if span.get("log") else float
    nearness = [-abs(scale(value) - scale(span["prior"])) for value in values]
    tried = formatting.count(len(values), "configuration")
    if len(values) < FEWEST or len({*nearness}) < 2 or len({*scores}) < 2:
        return f"whether {named} helped cannot be said from {tried}."
    from scipy.stats import spearmanr  # takes half a second

    test = spearmanr(nearness, scores)
    with_p = (
        f"rank correlation {rank_correlation_text(float(test.statistic))}, {formatting.p_value(float(test.pvalue))}"
    )
    if test.pvalue > LEVEL:
        return f"whether {named} helped is not clear: nearer to it, {tried} were not significantly better ({with_p})."
    if test.statistic > 0:
        return f"{named} helped: of {tried}, those nearer to it were better ({with_p})."
    return f"{named} did not help: of {tried}, those nearer to it were worse ({with_p})."
