"""Our tables, which stand beside Optuna's in the one database. May import SQLAlchemy only.

They are the truth about a study; Optuna's tables mirror what Optuna and optuna-dashboard show. Every name starts with
`hpsearch_`. Times are ISO 8601 text in UTC, structured values JSON. Beside each blob is its checksum, which is checked
wherever it is read (`damage.blobs`).
"""

from sqlalchemy import Column, ForeignKey, MetaData, Table, UniqueConstraint

from hpsearch.storage.column_types import (
    Blob,
    Boolean,
    Integer,
    Json,
    Moment,
    Real,
    Seconds,
    String,
    Text,
    Word,
    placed,
)
from hpsearch.storage.damage.checksums import checksum_of
from hpsearch.storage.damage.shapes import number
from hpsearch.storage.records import COMPLETE, FAILED, INTERRUPTED, PRUNED, RUNNING, WAITING

SCHEMA_VERSION = 8
"""Raised with every change of these tables, which also adds a module to `migrations`."""

OLDEST_VERSION = 3
"""The oldest version that `hpsearch upgrade` can bring to this one."""

metadata = MetaData()

versions = Table("hpsearch_version", metadata, Column("version", Integer, primary_key=True, autoincrement=False))

_GOAL = {"metric": str, "direction": str, "share": bool}
_OBJECTIVE = {"objective?": {**_GOAL, "objectives?": [_GOAL]}}
_DATASET = {"fingerprint": str, "classes?": [str], "image_shape?": [int], "base_rate?": dict, "metrics?": dict}
_MODEL = {"hash": str, "file?": str, "text?": str, "kept?": {"*": [int]}, "former?": None}
_RANGE = {"low": number, "high": number, "log?": bool, "integer?": bool, "points?": int}
_ENTRY = (_RANGE, {"choices": list, "ordered?": bool})
_SAMPLES = {"train?": int, "validation?": int, "test?": int, "distinct?": bool, "rungs?": [int], **_OBJECTIVE}
_CONFIGURATION = {"model": dict, "training": dict, "augmentation?": dict, **_OBJECTIVE}
"""What structured values look like."""

studies = Table(
    "hpsearch_studies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(512), nullable=False, unique=True),
    Column("text", Text, nullable=False),  # the study file as it was launched
    Column("path", Text, nullable=False),  # where it was
    Column("workspace", Text, nullable=False),  # the directory that models are found from
    Column("state", Word(RUNNING, INTERRUPTED, COMPLETE, FAILED), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("launches", Integer, nullable=False),  # 1 + the number of resumes
    Column("environment", Json(dict), nullable=False),  # {"hpsearch": "0.1.0", "numpy": …, "blas": …, "machine": …}
    Column("data", Json(_DATASET), nullable=False),  # {"dataset", "fingerprint", "classes", "image_shape", "base_rate"}
    Column("model", Json(_MODEL), nullable=False),  # {"file", "hash", "text"}
)

stages = Table(
    "hpsearch_stages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", ForeignKey(studies.c.id), nullable=False, index=True),
    Column("position", Integer, nullable=False),  # 0, 1, … ; the final comes last
    Column("name", String(512), nullable=False),
    Column("kind", String(16), nullable=False),  # random, grid, list, qmc, tpe, cmaes, gp, final
    Column("state", Word(WAITING, RUNNING, COMPLETE), nullable=False),
    Column("test", Boolean, nullable=False),  # is each of its trials evaluated on the test set?
    Column("trials", Integer),  # how many trials it is planned to have, once its space is known; then, how many it has
    Column(
        "space", Json({"*": _ENTRY})
    ),  # {hyperparameter: {"low", "high", "log", "integer"} or {"choices": [..]}}, once known
    Column(
        "notes", Json([str]), nullable=False
    ),  # sentences for the report: where its range came from, what was extended
    Column("data", Json(_SAMPLES), nullable=False),  # {"train": n, .., "distinct": true}; see search/stages/distinct.py
    Column("optuna_study_id", Integer),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column(
        "known", Json([{"params": dict, "value": number}])
    ),  # what `from` found when it began: [{"params", "value"}, ..]
    Column("ended", Text),  # which budget ended it; NULL where all of it was trained
    Column("seconds", Seconds, nullable=False, default=0.0),  # wall time it has run, over all launches
    Column("batches", Json([int]), nullable=False, default=list),  # [n, ..]: numbers of points at which it was grown
    Column("stale", Boolean, nullable=False, default=False),  # an earlier stage has grown since it began
    Column(
        "test_evaluations", Integer, nullable=False, default=0
    ),  # on the test set, by trials that were deleted since
    UniqueConstraint("study_id", "name"),
)

trials = Table(
    "hpsearch_trials",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("stage_id", ForeignKey(stages.c.id), nullable=False),
    Column("number", Integer, nullable=False),  # 0, 1, … within its stage
    Column("point", Integer, nullable=False),  # which configuration of the stage: its replicates share it
    Column("replicate", Integer, nullable=False),  # which seed or fold: 0, 1, …
    Column("optuna_trial_id", Integer),
    Column("params", Json(dict), nullable=False),  # the hyperparameters' values, e.g. {"lambda": 1e-3, "hidden": [50]}
    Column(
        "configuration", Json(_CONFIGURATION), nullable=False
    ),  # everything it trains with: {"model": {..}, "training": {..}}
    Column("state", Word(WAITING, RUNNING, COMPLETE, FAILED, PRUNED), nullable=False),
    Column("reason", Text),  # why it failed, stopped or was pruned
    Column("traceback", Text),  # of a failure inside a model file
    Column("sampler_attributes", Json(dict)),  # what the sampler recorded when it drew this configuration
    Column("pruned_at", Integer),  # the epoch after which the pruner decided against it; an audited trial trains on
    Column("epochs", Integer, nullable=False),  # to train
    Column("epochs_done", Integer, nullable=False),
    Column("best_epoch", Integer),  # 1-based; the best value of the objective, the earliest of equals
    Column("value", Real),  # the objective on the validation samples at best_epoch, in its own unit and direction
    Column("parameters", Integer),  # how many numbers the model has
    Column("test_cost", Real),  # at best_epoch; NULL where it was not evaluated on the test set
    Column("test_loss", Real),
    Column("test_accuracy", Real),
    Column("cohort", Integer),  # the number of the first of those that it trained with last; only for who watches
    Column("seconds", Seconds, nullable=False),  # its share of its cohorts' wall time
    Column("test_value", Real),  # the objective on the test set
    Column("test_metrics", Json(dict)),  # {metric: value}, as in hpsearch_metrics
    UniqueConstraint("stage_id", "number"),
    UniqueConstraint("stage_id", "point", "replicate"),
)

METRICS = ("cost", "loss", "accuracy")

curves = Table(
    "hpsearch_curves",
    metadata,
    Column("trial_id", ForeignKey(trials.c.id), primary_key=True, autoincrement=False),
    Column("epoch", Integer, primary_key=True, autoincrement=False),  # 1-based
    Column("eta", Real, nullable=False),  # learning rate of the epoch's last update
    *(Column(f"train_{name}", Real) for name in METRICS),
    *(Column(f"validation_{name}", Real) for name in METRICS),
    Column("value", Real),  # the objective on the validation samples
)

measurements = Table(
    "hpsearch_metrics",  # what a study records beside cost, loss and accuracy
    metadata,
    Column("trial_id", ForeignKey(trials.c.id), primary_key=True, autoincrement=False),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("metric", String(64), primary_key=True),
    Column("train", Real),
    Column("validation", Real),
)

weights = Table(
    "hpsearch_weights",
    metadata,
    Column("trial_id", ForeignKey(trials.c.id), primary_key=True, autoincrement=False),
    Column(
        "kind", Word("state", "best", "end", "end best", "all", "all state"), primary_key=True
    ),  # to go on from; the parameters at best_epoch; both of an ended trial, to train longer; the parameters that were
    # trained on all samples, and what that training goes on from
    Column("epoch", Integer, nullable=False),
    Column("content", Blob, nullable=False),  # .npz: arrays by parameter name, e.g. "0.weights"
    checksum_of("content"),
)

predictions = Table(
    "hpsearch_predictions",
    metadata,
    Column("trial_id", ForeignKey(trials.c.id), primary_key=True, autoincrement=False),
    Column("split", Word("validation", "test"), primary_key=True),  # validation, test
    Column("epoch", Integer, primary_key=True, autoincrement=False),  # on the test set, only best_epoch
    Column("samples", Integer, nullable=False),  # how many bits of `correct` count
    Column("correct", Blob, nullable=False),  # np.packbits over the split's samples in stored order
    Column("predicted", Blob),  # class per sample, uint8, of over 256 classes uint16: of the test set, and if needed
    Column("outputs", Blob),  # float32 per sample and class or target: scores or values, where a metric needs them
    *(checksum_of(name) for name in ("correct", "predicted", "outputs")),
)

OF_TRIALS = (curves, measurements, weights, predictions)
"""What is deleted and copied with a trial."""

labels = Table(
    "hpsearch_labels",  # the true labels of the samples that a stage's trials are evaluated on
    metadata,
    Column("stage_id", ForeignKey(stages.c.id), primary_key=True, autoincrement=False),
    Column(
        "split", Word("validation", "test"), primary_key=True
    ),  # validation; test where its trials are evaluated on the test set
    Column("fold", Integer, primary_key=True, autoincrement=False),  # 0 where there are no folds
    Column("samples", Integer, nullable=False),
    Column("labels", Blob, nullable=False),  # in stored order; uint8, of over 256 classes uint16; or float64 values
    Column(
        "scale", Blob
    ),  # of a regression, float64: mean and deviation of each target, by which outputs are standardised
    *(checksum_of(name) for name in ("labels", "scale")),
)

claims = Table(
    "hpsearch_claims",
    metadata,
    Column("study_id", ForeignKey(studies.c.id), primary_key=True, autoincrement=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("token", String(32), nullable=False),  # random: a coordinator that finds another one here has lost the study
    Column("renewed_at", Moment, nullable=False),
)

for _table in (versions, studies, stages, trials, weights, predictions, labels, claims):
    placed(_table)  # but not those of the curves, by the million: `damage.sweep` finds what is wrong there
