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
from threadpoolctl import threadpool_limits

from hpsearch import data, spec
from hpsearch.data.tables.columns import Columns
from hpsearch.errors import DataError, InputError, ModelError, StorageError, nearest
from hpsearch.exporting.carried import Carried
from hpsearch.exporting.predictions.outputs import Outputs
from hpsearch.nn import Network
from hpsearch.nn.network import Trained
from hpsearch.reporting.frames import Frames
from hpsearch.search.preparation import model_of, prepare_one, trusted_workspace
from hpsearch.search.stages.whole import ON_ALL, whole_configuration
from hpsearch.spec import Configuration, Final, Stage, Study
from hpsearch.storage.records import StudyRow
from hpsearch.trainables import Data
from hpsearch.workers.models.built_layers import layers
from hpsearch.workers.models.checked_trainable import CheckedTrainable, common_seed, make, seed_of
from hpsearch.workers.models.npz import pack
from hpsearch.workers.models.plugin import Plugin, changed, plugin_of, read_plugin
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
    made from. package: the versions that an estimator was fitted with. columns: those of a table, as its training
    samples taught them, which encode raw rows. carried: what stands in for files of this machine.
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
    package: str | None = None
    columns: Columns | None = None
    carried: Carried | None = None

    def __repr__(self) -> str:
        return f"<trial {self.trial} of hpsearch study {self.study!r}>"

    @property
    def features(self) -> int:
        """The number of features of a sample."""
        return math.prod(self.image_shape)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of a table's columns, () where they have none."""
        return self.columns.names if self.columns else ()

    @property
    def outputs(self) -> int:
        """The number of its outputs: a score for each class, or a value for each target."""
        return len(self.targets or self.classes)

    def made(self) -> Outputs:
        """Return its network or trainable. Raises ModelError if its model file is another one."""
        if self.carried and self.carried.fitted is not None:
            return Outputs(self.model_file, trainable=self.carried.fitted)
        plugin = self.plugin()
        if plugin.kind != "trainable":
            return Outputs(self.model_file, network=self.network(plugin))
        return Outputs(self.model_file, trainable=self.trainable(plugin))

    def plugin(self) -> Plugin:
        """Load the model file. Raises ModelError if it is not the one that the trial was trained with."""
        if self.carried and self.carried.text is not None:
            return plugin_of(Path(self.model_file), self.carried.text)
        if what := changed(self.model_file, {"hash": self.model_hash, "package": self.package}):
            raise ModelError(f"{what} since trial {self.trial} of {self.study!r} was trained; restore it")
        return read_plugin(self.model_file)

    def network(self, plugin: Plugin) -> Trained:
        """Build the network, for one trial, with the weights; a module of PyTorch as a network."""
        network: Trained
        if plugin.kind == "module":
            network = module_of(plugin, self.data(), self.seed, self.point, self.replicate, self.configuration)
        else:
            made = layers(plugin, self.outputs, self.configuration.parameters)
            network = Network(made, inputs=self.features, loss=loss_of(self.configuration.training))
        network.load(0, self.weights)
        return network

    def trainable(self, plugin: Plugin) -> CheckedTrainable:
        """Make the trainable and restore its state."""
        seed = seed_of(self.seed, self.point, self.replicate)
        with threadpool_limits(1):  # as in a worker: with more threads the last bits may differ
            made = make(plugin, self.data(), seed, self.configuration)
            made.restore(pack(self.weights))
        return made

    def data(self) -> Data:
        """What a trainable is made from: the samples that it was trained on."""
        if self.carried and self.carried.data is not None:
            return self.carried.data
        return data_of(data.open_split(self.split), common_seed(self.seed, self.replicate))

    def in_units(self, values: Array) -> npt.NDArray[np.float64]:
        """Return outputs (n, T) of a regression in the targets' own units, bit for bit as the search measured them."""
        assert self.target_mean is not None
        assert self.target_deviation is not None
        return np.asarray(values.astype(np.float64) * self.target_deviation + self.target_mean)

    def standardise(self, samples: Array) -> npt.NDArray[np.float32]:
        """Standardise raw samples (n, features), bit for bit as in training."""
        # row by row: BLAS rounds otherwise over columns, which a frame of pandas has
        return np.ascontiguousarray((samples.astype(np.float64) - self.mean) / self.deviation, dtype=np.float32)


def find_trial(frames: Frames, name: str | None = None) -> Record:
    """Return the trial STAGE:NUMBER; by default the first replicate of [final], else the best of the last search.

    "final:all" is the one of [final] that was trained once more on all samples, and the default where there is one.
    Raises InputError if there is no such trial, StorageError if no trial has finished.
    """
    if name is None:
        return _on_all(frames) or first_finished(frames)
    if name == ON_ALL and "final" in frames.by_stage:
        if found := _on_all(frames):
            return found
        rule = 'no model of study {name!r} was trained on all samples: that needs data = "all" in [final]'
        raise InputError(rule.format(name=frames.study["name"]))
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


def _on_all(frames: Frames) -> Record | None:
    """The trial of [final] that was trained on all samples as well, marked as `on_all`; None where there is none."""
    for trial in frames.by_stage.get("final", ()):
        if trial["kind"] == "final" and frames.weights(trial["id"], "all") is not None:
            return {**trial, "on_all": True}
    return None


def first_finished(frames: Frames) -> Record:
    """Return the first trial, by rank and replicate, of the last stage that has a complete one.

    Raises StorageError if no trial has finished.
    """
    for stage in reversed(frames.stage_rows):
        for trial in frames.by_stage[stage["name"]]:
            if trial["rank"] is not None and trial["state"] == "complete":
                return trial
    raise StorageError(f"study {frames.study['name']!r} has no finished trial yet; see `hpsearch status`")


def trial_name(trial: Record) -> str:
    """Return STAGE:NUMBER, or "final:all"."""
    return ON_ALL if trial.get("on_all") else f"{trial['stage']}:{trial['number']}"


def weights_of(frames: Frames, trial: Record) -> dict[str, Array]:
    """Return the arrays of a trial at its best epoch. Raises StorageError if they are not stored."""
    weights = frames.weights(trial["id"], "all" if trial.get("on_all") else "best")
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
    if study.model.is_function:
        raise ModelError(f"{study.model.name}: a function has no model to load; its best parameters are best.params")
    weights = weights_of(frames, trial)
    if trial["number"] in row["model"].get("kept", {}).get(trial["stage"], ()):
        rule = f"trial {trial_name(trial)} was trained with the model file as it was before a change that was accepted"
        raise ModelError(f"{row['model']['file']}: {rule}; only its weights are usable, with Results.weights")
    stored = StudyRow(**{key: row[key] for key in StudyRow.__dataclass_fields__})
    workspace = trusted_workspace(stored, study, trusted=trusted)
    dataset = _dataset(study, row, workspace, data_dir)
    on_all = bool(trial.get("on_all"))
    path = prepare_one(study, dataset, _step(study, trial), trial["replicate"], whole=on_all)
    split = data.open_split(path)
    configuration = Configuration.from_json(trial["configuration"])
    if on_all:
        assert study.final is not None
        configuration = whole_configuration(configuration, spec.data_of(study, study.final).train, split.samples)
    return TrainedModel(
        study=row["name"],
        trial=trial_name(trial),
        model_file=model_of(study, workspace),
        model_hash=row["model"]["hash"],
        configuration=configuration,
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
        package=row["model"].get("package"),
        columns=split.columns or dataset.columns,  # a split that an earlier version made has none
    )


def _dataset(study: Study, row: Record, workspace: Path, data_dir: Path | None) -> data.Dataset:
    dataset = data.load(study.data.dataset, data.data_directory(data_dir), workspace, study.data.task_given)
    if dataset.fingerprint != row["data"]["fingerprint"]:
        rule = f"the dataset is not the one that study {row['name']!r} was trained with"
        raise DataError(f"{dataset.name}: {rule}; name its directory with --data-dir")
    return dataset


def _step(study: Study, trial: Record) -> Stage | Final:
    if trial["kind"] == "final":
        assert study.final is not None
        return study.final
    return next(stage for stage in study.stages if stage.name == trial["stage"])
