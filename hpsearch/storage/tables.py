"""Our tables, which stand beside Optuna's in the one database. May import SQLAlchemy only.

They are the truth about a study; Optuna's tables mirror what Optuna and optuna-dashboard show. Every name starts with
`hpsearch_`. Times are ISO 8601 text in UTC, structured values JSON.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION = 1
"""Raised with every change of these tables; a database of a newer version is refused."""

metadata = MetaData()

versions = Table("hpsearch_version", metadata, Column("version", Integer, primary_key=True, autoincrement=False))

studies = Table(
    "hpsearch_studies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(512), nullable=False, unique=True),
    Column("text", Text, nullable=False),  # the study file as it was launched
    Column("path", Text, nullable=False),  # where it was
    Column("workspace", Text, nullable=False),  # the directory that models are found from
    Column("state", String(16), nullable=False),  # running, interrupted, complete, failed
    Column("created_at", String(32), nullable=False),
    Column("finished_at", String(32)),
    Column("launches", Integer, nullable=False),  # 1 + the number of resumes
    Column("environment", JSON, nullable=False),  # {"hpsearch": "0.1.0", "numpy": …, "blas": …, "machine": …}
    Column("data", JSON, nullable=False),  # {"dataset", "fingerprint", "classes": [..], "image_shape": [c, h, w]}
    Column("model", JSON, nullable=False),  # {"file", "hash", "text"}
)

stages = Table(
    "hpsearch_stages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", ForeignKey(studies.c.id), nullable=False, index=True),
    Column("position", Integer, nullable=False),  # 0, 1, … ; the final comes last
    Column("name", String(512), nullable=False),
    Column("kind", String(16), nullable=False),  # random, grid, list, final
    Column("state", String(16), nullable=False),  # waiting, running, complete
    Column("test", Boolean, nullable=False),  # is each of its trials scored on the test images?
    Column("trials", Integer),  # how many trials it has in all, once its space is known
    Column("space", JSON),  # {key: {"low", "high", "log", "integer"} or {"choices": [..]}}, once known
    Column("notes", JSON, nullable=False),  # sentences for the report: where its range came from, what was extended
    Column("data", JSON, nullable=False),  # {"train": n, "validation": n, "test": n}
    Column("optuna_study_id", Integer),
    Column("started_at", String(32)),
    Column("finished_at", String(32)),
    UniqueConstraint("study_id", "name"),
)

trials = Table(
    "hpsearch_trials",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("stage_id", ForeignKey(stages.c.id), nullable=False, index=True),
    Column("number", Integer, nullable=False),  # 0, 1, … within its stage
    Column("point", Integer, nullable=False),  # which setting of the stage: its replicates share it
    Column("replicate", Integer, nullable=False),  # which seed or fold: 0, 1, …
    Column("optuna_trial_id", Integer),
    Column("params", JSON, nullable=False),  # the searched keys' values, e.g. {"lambda": 1e-3, "hidden": [50]}
    Column("setting", JSON, nullable=False),  # everything it trains with: {"model": {..}, "training": {..}}
    Column("state", String(16), nullable=False),  # waiting, running, complete, failed, pruned
    Column("reason", Text),  # why it failed or was pruned
    Column("epochs", Integer, nullable=False),  # to train
    Column("epochs_done", Integer, nullable=False),
    Column("best_epoch", Integer),  # 1-based; highest validation accuracy, the earliest of equals
    Column("value", Float),  # validation accuracy at best_epoch
    Column("parameters", Integer),  # how many numbers the model has
    Column("test_cost", Float),  # at best_epoch; NULL where the test set was not looked at
    Column("test_loss", Float),
    Column("test_accuracy", Float),
    Column("seconds", Float, nullable=False),  # its share of its cohorts' wall time
    UniqueConstraint("stage_id", "number"),
)

METRICS = ("cost", "loss", "accuracy")

curves = Table(
    "hpsearch_curves",
    metadata,
    Column("trial_id", ForeignKey(trials.c.id), primary_key=True, autoincrement=False),
    Column("epoch", Integer, primary_key=True, autoincrement=False),  # 1-based
    Column("eta", Float, nullable=False),  # learning rate of the epoch's last update
    *(Column(f"train_{name}", Float) for name in METRICS),
    *(Column(f"validation_{name}", Float) for name in METRICS),
)

weights = Table(
    "hpsearch_weights",
    metadata,
    Column("trial_id", ForeignKey(trials.c.id), primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),  # "state": to go on from; "best": the parameters at best_epoch
    Column("epoch", Integer, nullable=False),
    Column("content", LargeBinary(2**32 - 1), nullable=False),  # .npz: arrays by parameter name, e.g. "0.weights"
)

predictions = Table(
    "hpsearch_predictions",
    metadata,
    Column("trial_id", ForeignKey(trials.c.id), primary_key=True, autoincrement=False),
    Column("split", String(16), primary_key=True),  # validation, test
    Column("images", Integer, nullable=False),  # how many bits of `correct` count
    Column(
        "correct", LargeBinary, nullable=False
    ),  # np.packbits over the split's images in stored order, at best_epoch
    Column("predicted", LargeBinary(2**32 - 1)),  # uint8 class per image; only where the test set was looked at
)
