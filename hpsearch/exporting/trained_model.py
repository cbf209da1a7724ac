"""A trained model with everything needed to use it: weights, layers, the mean and deviation of its inputs.

May import data, spec, storage, workers, search and reporting's frames.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hpsearch import data, spec
from hpsearch.errors import DataError, InputError, ModelError, StorageError, nearest
from hpsearch.nn import Network
from hpsearch.nn.network import Trained
from hpsearch.nn.products import ROWS_PER_CHUNK
from hpsearch.reporting.frames import Frames
from hpsearch.search.preparation import model_of, prepare_one, trusted_workspace
from hpsearch.spec import Configuration, Final, Stage, Study
from hpsearch.storage.records import StudyRow
from hpsearch.trainables import Data
from hpsearch.workers.models.checked_trainable import CheckedTrainable, common_seed, make, seed_of
from hpsearch.workers.models.npz import pack
from hpsearch.workers.models.plugin import Plugin, hash_of, layers, read_plugin
from hpsearch.workers.segments.components import loss_of
from hpsearch.workers.segments.module import module_of
from hpsearch.workers.segments.trainable import data_of

Array = npt.NDArray[Any]
Record = Mapping[str, Any]


@dataclass(frozen=True, eq=False, repr=False)
class TrainedModel:
    """The model of one trial at its best epoch.

    trial: STAGE:NUMBER. weights: arrays by parameter name, e.g. "0.weights" (inputs, outputs). mean, deviation:
    (features,) float64 of the raw training samples; the inputs of the model are (sample − mean) / deviation. classes:
    their names, by label; () in a regression, which has targets: their names, with target_mean and target_deviation
    (T,) float64; a value is the model's output · deviation + mean. split, seed, point, replicate: what a trainable is
    made from.
    """

    study: str
    trial: str
    model_file: Path | str
    model_hash: str
    configuration: Configuration
    classes: tuple[str, ...]
    targets: tuple[str, ...]
    image_shape: tuple[int, int, int]
    mean: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64]
    target_mean: npt.NDArray[np.float64] | None
    target_deviation: npt.NDArray[np.float64] | None
    weights: dict[str, Array]
    split: Path
    seed: int
    point: tuple[str, int]
    replicate: int

    def __repr__(self) -> str:
        return f"<trial {self.trial} of hpsearch study {self.study!r}>"

    @property
    def features(self) -> int:
        """The number of features of a sample."""
        return math.prod(self.image_shape)

    @property
    def outputs(self) -> int:
        """The number of its outputs: a score for each class, or a value for each target."""
        return len(self.targets or self.classes)

    def plugin(self) -> Plugin:
        """Load the model file. Raises ModelError if it is not the one that the trial was trained with."""
        if hash_of(self.model_file) != self.model_hash:
            what = "the model file" if isinstance(self.model_file, Path) else f"the package of {self.model_file}"
            rule = f"{what} is not the one that trial {self.trial} of {self.study!r} was trained with"
            raise ModelError(f"{self.model_file}: {rule}; restore it")
        return read_plugin(self.model_file)

    def network(self, plugin: Plugin) -> Trained:
        """Build the network, for one trial, with the weights; a module of PyTorch as a network."""
        network: Trained
        if plugin.kind == "module":
            network = module_of(plugin, self._data(), self.seed, self.point, self.replicate, self.configuration)
        else:
            made = layers(plugin, self.outputs, self.configuration.parameters)
            network = Network(made, inputs=self.features, loss=loss_of(self.configuration.training))
        network.load(0, self.weights)
        return network

    def _data(self) -> Data:
        return data_of(data.open_split(self.split), common_seed(self.seed, self.replicate))

    def trainable(self, plugin: Plugin) -> CheckedTrainable:
        """Make the trainable and restore its state."""
        made = make(plugin, self._data(), seed_of(self.seed, self.point, self.replicate), self.configuration)
        made.restore(pack(self.weights))
        return made

    def in_units(self, values: Array) -> npt.NDArray[np.float64]:
        """Return outputs (n, T) of a regression in the targets' own units, bit for bit as the search measured them."""
        assert self.target_mean is not None
        assert self.target_deviation is not None
        return np.asarray(values.astype(np.float64) * self.target_deviation + self.target_mean)

    def standardise(self, samples: Array) -> npt.NDArray[np.float32]:
        """Standardise raw samples (n, features), bit for bit as in training."""
        return np.asarray((samples.astype(np.float64) - self.mean) / self.deviation, dtype=np.float32)


def score(network: Trained, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the outputs (n, outputs) of standardised samples (n, features), in the same chunks as the search."""
    scores = np.empty((len(samples), network.outputs), np.float32)
    for start in range(0, len(samples), ROWS_PER_CHUNK):
        chunk = slice(start, start + ROWS_PER_CHUNK)
        scores[chunk] = network.forward(samples[chunk])[0]
    return scores


def find_trial(frames: Frames, name: str | None = None) -> Record:
    """Return the trial STAGE:NUMBER; by default the first replicate of [final], else the best of the last search.

    Raises InputError if there is no such trial, StorageError if no trial has finished.
    """
    if name is None:
        return _first(frames)
    stage, _, number = str(name).rpartition(":")
    for trial in frames.rows:
        if trial["stage"] == stage and str(trial["number"]) == number:
            return trial
    numbers = sorted(trial["number"] for trial in frames.rows if trial["stage"] == stage)
    if numbers:
        hint = f"; stage {stage!r} has trials {numbers[0]} to {numbers[-1]}"
    else:
        hint = nearest(stage, {trial["stage"] for trial in frames.rows})
    raise InputError(f"trial must name one of study {frames.study['name']!r} as STAGE:NUMBER, got {name!r}{hint}")


def _first(frames: Frames) -> Record:
    """The first trial, by rank and replicate, of the last stage that has a complete one."""
    for stage in reversed(frames.stage_rows):
        for trial in frames.by_stage[stage["name"]]:
            if trial["rank"] is not None and trial["state"] == "complete":
                return trial
    raise StorageError(f"study {frames.study['name']!r} has no finished trial yet; see `hpsearch status`")


def trial_name(trial: Record) -> str:
    """Return STAGE:NUMBER."""
    return f"{trial['stage']}:{trial['number']}"


def weights_of(frames: Frames, trial: Record) -> dict[str, Array]:
    """Return the arrays of a trial at its best epoch. Raises StorageError if they are not stored."""
    weights = frames.weights(trial["id"])
    if weights is None:
        have = [trial_name(other) for other in _with_weights(frames, trial["stage"])]
        hint = f"; trials with weights: {', '.join(have)}" if have else ""
        raise StorageError(
            f"trial {trial_name(trial)}'s weights are not in the database: only the best trials keep theirs{hint}"
        )
    return weights


def _with_weights(frames: Frames, stage: str) -> Iterator[Record]:
    ranked = (trial for trial in frames.by_stage[stage][:10] if trial["rank"] is not None)
    return (trial for trial in ranked if frames.weights(trial["id"]) is not None)


def load_model(frames: Frames, trial: Record, data_dir: Path | None = None, *, trusted: bool = False) -> TrainedModel:
    """Return the model of a trial. The dataset is read again, for its mean and deviation.

    Raises StorageError if the weights are not stored, ModelError or DataError if the model file or the dataset is
    missing or has changed, InputError if its files may be somebody else's, unless they are `trusted`.
    """
    row = frames.study
    study = spec.parse(row["text"], row["path"])
    weights = weights_of(frames, trial)
    if trial["number"] in row["model"].get("kept", {}).get(trial["stage"], ()):
        rule = f"trial {trial_name(trial)} was trained with the model file as it was before a change that was accepted"
        raise ModelError(f"{row['model']['file']}: {rule}; only its weights are usable, with Results.weights")
    stored = StudyRow(**{key: row[key] for key in StudyRow.__dataclass_fields__})
    workspace = trusted_workspace(stored, study, trusted=trusted)
    path = _split(study, row, trial, workspace, data_dir)
    split = data.open_split(path)
    return TrainedModel(
        study=row["name"],
        trial=trial_name(trial),
        model_file=model_of(study, workspace),
        model_hash=row["model"]["hash"],
        configuration=Configuration.from_json(trial["configuration"]),
        classes=split.classes,
        targets=split.targets,
        image_shape=split.image_shape,
        mean=split.mean,
        deviation=split.deviation,
        target_mean=split.target_mean,
        target_deviation=split.target_deviation,
        weights=weights,
        split=path,
        seed=study.seed,
        point=(trial["stage"], trial["point"]),
        replicate=trial["replicate"],
    )


def _split(study: Study, row: Record, trial: Record, workspace: Path, data_dir: Path | None) -> Path:
    dataset = data.load(study.data.dataset, data.data_directory(data_dir), workspace, study.data.task_given)
    if dataset.fingerprint != row["data"]["fingerprint"]:
        rule = f"the dataset is not the one that study {row['name']!r} was trained with"
        raise DataError(f"{dataset.name}: {rule}; name its directory with --data-dir")
    return prepare_one(study, dataset, _step(study, trial), trial["replicate"])


def _step(study: Study, trial: Record) -> Stage | Final:
    if trial["kind"] == "final":
        assert study.final is not None
        return study.final
    return next(stage for stage in study.stages if stage.name == trial["stage"])
