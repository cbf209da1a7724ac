"""`Results`, which `hpsearch.load` returns: tables, figures, models. May import reporting and exporting."""

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hpsearch.errors import StorageError
from hpsearch.reporting import results as reported
from hpsearch.reporting.frames import load
from hpsearch.reporting.sections.summary import final, last_search
from hpsearch.storage.database import open_to_read
from hpsearch.storage.records import ACCURACY

if TYPE_CHECKING:
    from hpsearch.exporting.classifier import Classifier
    from hpsearch.exporting.regressor import Regressor
    from hpsearch.exporting.trained_model import TrainedModel


@dataclass(frozen=True, repr=False)
class Best:
    """The best configuration of the last search, with its uncertainty.

    trial: its first replicate, STAGE:NUMBER. params: the values of the searched hyperparameters. configuration:
    everything it is trained with. value: the objective, whose name is metric, on the validation samples, the mean over
    its replicates, with its 95% interval `low` to `high` (equal to it where there is none). accuracy: the value where
    that is the objective, else NaN. corrected: that value corrected for selection bias; None where unknown. test: the
    objective of [final] on the test set; None without [final].
    """

    trial: str
    params: dict[str, Any]
    configuration: dict[str, Any]
    accuracy: float
    low: float
    high: float
    corrected: float | None
    test: float | None
    metric: str
    value: float

    def __repr__(self) -> str:
        """What there is to say of it; what it is trained with, beyond what was searched, is in `configuration`."""
        interval = {"low": self.low, "high": self.high} if self.low < self.high else {}
        known = {key: value for key in ("corrected", "test") if (value := getattr(self, key)) is not None}
        shown = {"trial": self.trial, self.metric: self.value, **interval, **known, "params": self.params}
        return f"Best({', '.join(f'{key}={value!r}' for key, value in shown.items())})"


@dataclass(frozen=True, repr=False)
class Results(reported.Results):
    """A study at the time it was loaded: tables, figures, its best configuration, and its models.

    A `trial` is named STAGE:NUMBER, e.g. "fine:3". The default is the first replicate of [final], or without it
    the best trial of the last search.
    """

    data_dir: Path | None = None
    trust_model: bool = False

    @cached_property
    def best(self) -> Best:
        """The best configuration of the last search. Raises StorageError while no trial has finished."""
        stage = last_search(self._views)
        if stage is None:
            raise StorageError(f"study {self.name!r} has no finished trial yet; see `hpsearch status`")
        row = stage.ranked[0]
        assert row.validation is not None
        trial = next(trial for trial in self.frames.rows if trial["id"] == row.trial_ids[0])
        choices = {choice.stage: choice for choice in self._corrected}
        choice, last = choices.get(stage.name), final(self._views)
        tests = [each.test.value for each in last.ranked if each.test] if last else []
        return Best(
            trial=f"{stage.name}:{trial['number']}",
            params=dict(trial["params"]),
            configuration=dict(trial["configuration"]),
            accuracy=row.validation.value if self.frames.goal == ACCURACY else math.nan,
            low=row.validation.low,
            high=row.validation.high,
            corrected=choice.value if choice else None,
            test=float(np.mean(tests)) if tests else None,
            metric=self.frames.goal.metric,
            value=row.validation.value,
        )

    def weights(self, trial: str | None = None) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of a trial at its best epoch by parameter name, e.g. "0.weights" (inputs, outputs).

        Raises StorageError where they are not stored (only the best trials of a stage keep theirs), InputError for an
        unknown trial.
        """
        from hpsearch.exporting.trained_model import find_trial, weights_of

        return weights_of(self.frames, find_trial(self.frames, trial))

    def save(self, path: str | Path, trial: str | None = None) -> Path:
        """Write the weights of a trial, and the mean and deviation of its inputs, to an .npz file; return its path."""
        from hpsearch.exporting.arrays import write_npz

        return write_npz(self._model(trial), Path(path))

    def classifier(self, trial: str | None = None) -> "Classifier":
        """Return the model of a trial as a scikit-learn classifier of raw samples.

        Raises ModelError or DataError where the model file or the dataset is missing, or is no longer the study's.
        """
        from hpsearch.exporting.classifier import Classifier

        return Classifier(self._model(trial))

    def regressor(self, trial: str | None = None) -> "Regressor":
        """Return the model of a trial of a regression as a scikit-learn regressor of raw samples.

        It predicts values in the targets' own units. Raises as `classifier` does.
        """
        from hpsearch.exporting.regressor import Regressor

        return Regressor(self._model(trial))

    def _model(self, trial: str | None) -> "TrainedModel":
        from hpsearch.exporting.trained_model import find_trial, load_model

        return load_model(self.frames, find_trial(self.frames, trial), self.data_dir, trusted=self.trust_model)


def load_results(name: str, storage: str, data_dir: Path | None = None, *, trust_model: bool = False) -> Results:
    """Read a study. Raises StorageError for a database that cannot be read, or has no study of that name."""
    return Results(load(open_to_read(storage), name), data_dir, trust_model)
