"""What a study's trials are compared by. May import spec and storage's records."""

from hpsearch.spec import Study, objective_of
from hpsearch.storage.records import Goal


def goal_of(study: Study) -> Goal:
    """The goal of a study, which is also in the configuration of each of its trials unless it is the accuracy."""
    return Goal.of({"objective": objective_of(study)})
