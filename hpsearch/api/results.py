"""What `hpsearch.load` gives: results to look at, and models to use. May import reporting and exporting."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hpsearch.errors import StorageError
from hpsearch.reporting import results as reported
from hpsearch.reporting.frames import load
from hpsearch.reporting.sections.certainty import view_choices
from hpsearch.reporting.sections.summary import final, last_search
from hpsearch.storage.database import open_to_read

if TYPE_CHECKING:
    from hpsearch.exporting.classifier import Classifier
    from hpsearch.exporting.trained_model import Finished


@dataclass(frozen=True)
class Best:
    """The best configuration of the last search, and how sure that is.

    trial: STAGE:NUMBER, of its first replicate. params: the searched keys' values. configuration: all that it trains with.
    accuracy: on the validation images, the mean of its replicates, with its 95% interval `low` to `high`. corrected:
    what it is worth once its score no longer profits from having been chosen for that score; None where unknown. test:
    the final's accuracy on the test images; None where there was no final.
    """

    trial: str
    params: dict[str, Any]
    configuration: dict[str, Any]
    accuracy: float
    low: float
    high: float
    corrected: float | None
    test: float | None


@dataclass(frozen=True, repr=False)
class Results(reported.Results):
    """A study as it stood when it was loaded: tables, figures, its best configuration, and its models.

    A `trial` is named STAGE:NUMBER, as "fine:3". Where it is not given it is the final's first replicate, or without a
    final the best of the last search.
    """

    data_dir: Path | None = None

    @cached_property
    def best(self) -> Best:
        """The best configuration of the last search. Raises StorageError while no trial has finished."""
        stage = last_search(self._views)
        if stage is None:
            raise StorageError(f"study {self.name!r} has no finished trial yet; see `hpsearch status`")
        row = stage.ranked[0]
        assert row.validation is not None
        trial = next(trial for trial in self.frames.rows if trial["id"] == row.trial_ids[0])
        choices = {choice.stage: choice for choice in view_choices(self.frames, self._views)}
        choice, last = choices.get(stage.name), final(self._views)
        tests = [look.test.share for look in last.ranked if look.test] if last else []
        return Best(
            trial=f"{stage.name}:{trial['number']}",
            params=dict(trial["params"]),
            configuration=dict(trial["configuration"]),
            accuracy=row.validation.share,
            low=row.validation.low,
            high=row.validation.high,
            corrected=choice.chosen.corrected if choice else None,
            test=float(np.mean(tests)) if tests else None,
        )

    def weights(self, trial: str | None = None) -> dict[str, npt.NDArray[Any]]:
        """Return a trial's arrays at its best epoch by parameter name, as "0.weights" (inputs, outputs).

        Raises StorageError where they are not kept, which those of each stage's best are, InputError for no trial.
        """
        from hpsearch.exporting.trained_model import find_trial, weights_of

        return weights_of(self.frames, find_trial(self.frames, trial))

    def save(self, path: str | Path, trial: str | None = None) -> Path:
        """Write a trial's weights, and what images are standardised with, as an .npz file; return its path."""
        from hpsearch.exporting.arrays import write_npz

        return write_npz(self._model(trial), Path(path))

    def classifier(self, trial: str | None = None) -> "Classifier":
        """Return a trial's model as a classifier of scikit-learn's kind, which takes raw images.

        Raises ModelError or DataError where the model file or the images are not there, or not the study's any more.
        """
        from hpsearch.exporting.classifier import Classifier

        return Classifier(self._model(trial))

    def _model(self, trial: str | None) -> "Finished":
        from hpsearch.exporting.trained_model import find_trial, finished

        return finished(self.frames, find_trial(self.frames, trial), self.data_dir)


def load_results(name: str, storage: str, data_dir: Path | None = None) -> Results:
    """Read a study. Raises StorageError for a database that cannot be read, or a name that it does not hold."""
    return Results(load(open_to_read(storage), name), data_dir)
