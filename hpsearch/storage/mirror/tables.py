"""Optuna's own tables, as SQLAlchemy knows them, and its names for our states. May import Optuna and SQLAlchemy."""

from optuna.storages._rdb import models
from optuna.trial import TrialState
from sqlalchemy import String, cast

from hpsearch.storage import schema
from hpsearch.storage.records import COMPLETE, FAILED, PRUNED, RUNNING, WAITING

STUDIES, STUDY_ATTRIBUTES = models.StudyModel.__table__, models.StudySystemAttributeModel.__table__
TRIALS, PARAMS, VALUES = (
    model.__table__ for model in (models.TrialModel, models.TrialParamModel, models.TrialValueModel)
)
SHOWN, TRIAL_ATTRIBUTES = models.TrialIntermediateValueModel.__table__, models.TrialUserAttributeModel.__table__


def mirror_name(study: str, position: int, stage: str) -> str:
    """What the Optuna study of a stage is called. Its id alone says little: SQLite gives it again to another study."""
    return f"{study} / {position + 1} {stage}"


NAME = schema.studies.c.name + " / " + cast(schema.stages.c.position + 1, String(16)) + " " + schema.stages.c.name
"""The same in SQL."""

OF_TRIALS = (
    *(PARAMS, VALUES, SHOWN, TRIAL_ATTRIBUTES),
    *(model.__table__ for model in (models.TrialSystemAttributeModel, models.TrialHeartbeatModel)),
)
"""All tables whose rows belong to a trial."""

OF_STUDIES = (
    STUDY_ATTRIBUTES,
    *(model.__table__ for model in (models.StudyUserAttributeModel, models.StudyDirectionModel)),
)
"""All tables, but that of the trials, whose rows belong to a study."""

STATES = {
    WAITING: TrialState.WAITING,
    RUNNING: TrialState.RUNNING,
    COMPLETE: TrialState.COMPLETE,
    FAILED: TrialState.FAIL,
    PRUNED: TrialState.PRUNED,
}
