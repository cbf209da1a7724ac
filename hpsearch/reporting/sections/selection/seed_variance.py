"""The variance between seeds that a study knows: from its replicates and those of its final. May import our frames."""

from collections.abc import Sequence

from hpsearch.reporting.frames import Frames
from hpsearch.reporting.ranking_order import Record
from hpsearch.reporting.sections.ranking.comparison import OfSamples, of_samples
from hpsearch.reporting.sections.ranking.replicates import configurations_of, counted
from hpsearch.reporting.statistics.seeds import SeedVariance, pool

MOST = 200
"""So many configurations, the best, are used: worse ones may vary otherwise."""


def seed_variance(frames: Frames, stage: str, *, folds: bool = False, accuracy: bool = False) -> SeedVariance | None:
    """Return the variance between the seeds of a stage's configurations, None where no one has a second seed.

    It is that of the objective, or of the accuracy where this is asked for, pooled over the configurations of the stage
    and the final's replicates. Folds are no seeds.
    """
    final = any(row["name"] == stage and row["kind"] == "final" for row in frames.stage_rows)
    of_stage = (
        None if folds or final else SeedVariance.pooled(_groups(frames, frames.by_stage[stage], "validation", accuracy))
    )
    return pool(of_stage, of_final(frames, accuracy=accuracy))


def of_final(frames: Frames, *, accuracy: bool = False) -> SeedVariance | None:
    """Return the variance between the final's seeds on the test set, else on the validation samples; or None."""
    name = next((row["name"] for row in frames.stage_rows if row["kind"] == "final"), None)
    trials = frames.by_stage[name] if name else []
    found = SeedVariance.pooled(_groups(frames, trials, "test", accuracy))
    return found or SeedVariance.pooled(_groups(frames, trials, "validation", accuracy))


def _groups(frames: Frames, trials: Sequence[Record], split: str, accuracy: bool) -> list[list[OfSamples]]:
    ranked = [counted(members) for members in configurations_of(trials) if members[0]["rank"]]
    groups = []
    for members in [each for each in ranked if len(each) > 1][:MOST]:
        kept = [
            frames.correct(trial["id"], split) if accuracy else of_samples(frames, trial, split) for trial in members
        ]
        known = [right for right in kept if right is not None]
        if len({right.size for right in known}) == 1:
            groups.append(known)
    return groups
