"""The trials of the configuration that the study file names as the default. May import our frames and spec."""

from hpsearch.reporting.frames import Frames
from hpsearch.reporting.ranking_order import Record
from hpsearch.reporting.sections.ranking.replicates import configurations_of
from hpsearch.spec.tables.space import is_near

THE_DEFAULT = "the default"


def names_default(frames: Frames) -> bool:
    """Whether the study file names a default configuration."""
    return frames.written is not None and frames.written.stages[0].default is not None


def trials_of_default(frames: Frames) -> list[Record]:
    """Return the trials of the default configuration in the first stage; [] where none is named, or not begun."""
    stage = frames.written.stages[0] if frames.written else None
    if stage is None or stage.default is None:
        return []
    for members in configurations_of(frames.by_stage.get(stage.name, [])):
        params = members[0]["params"]
        if params.keys() == stage.default.keys() and all(is_near(params[key], stage.default[key]) for key in params):
            return members
    return []
