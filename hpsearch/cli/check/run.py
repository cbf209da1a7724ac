"""`check`: run the conformance checks on a model, and print what they find. May import data, search and workers."""

import json
import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hpsearch import data, spec
from hpsearch.cli.new_study.study_text import minimal_study
from hpsearch.cli.output import print_json, symbol
from hpsearch.cli.set_option import assignment, parse_toml
from hpsearch.data import Dataset
from hpsearch.errors import InputError
from hpsearch.search.checks.leaks import leaks_said
from hpsearch.search.preparation import checked_plugin, find_workspace, measures_of, trusted_workspace
from hpsearch.search.stages.whole import whole_configuration
from hpsearch.spec import Configuration, Study
from hpsearch.storage.database import look_up
from hpsearch.workers.conformance import EPOCHS, Finding, conformance
from hpsearch.workers.function_conformance import function_conformance
from hpsearch.workers.models.estimators import goes_on
from hpsearch.workers.models.plugin import Plugin, read_plugin
from hpsearch.workers.segments.measures import Measures

TRAIN, VALIDATION = 500, 200
"""Samples that `check` trains and validates on, or two thirds and one third of all, where there are fewer."""

_FIXED_KEYS = ("epochs", "cycles", "updates", "keep", "stop", "curves")
"""Keys of [training] that `check` sets itself."""


@dataclass(frozen=True)
class _Subject:
    """What is checked: a model on a prepared split, with a configuration; what a function's values are."""

    plugin: Plugin
    split: Path
    configuration: Configuration
    measures: Measures | None = None
    said: Sequence[str] = ()  # of the columns of its data
    of_study: bool = False

    def findings(self) -> Iterator[Finding]:
        """Run the checks of its kind."""
        if self.plugin.kind == "function":
            assert self.measures is not None
            return function_conformance(self.plugin, self.split, self.configuration, self.measures)
        return conformance(self.plugin, self.split, self.configuration)


def check(
    model: Path,
    assignments: tuple[str, ...],
    *,
    dataset: str | None,
    task: str | None,
    data_dir: Path | None,
    storage: str,
    trust_model: bool,
    as_json: bool,
) -> int:
    """Print a line for each check; return 1 if any fails."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # what a model raises is a finding; Ctrl-C is not
    directory = data.data_directory(data_dir)
    if found := _find_study(model, storage, trusted=trust_model):
        given = {"--set": assignments, "--dataset": dataset, "--task": task}
        if option := next((name for name, value in given.items() if value), None):
            raise InputError(f"{option} must not be given with a study, which says that itself")
        subject = _of_study(*found, directory, new=model.suffix == ".toml")
    else:
        subject = _of_model(_model(model), assignments, dataset or "digits", task, directory)
    plugin, findings = subject.plugin, []
    if not as_json:
        print(*subject.said, sep="\n", end="\n" * bool(subject.said))
    for finding in subject.findings():
        findings.append(finding)
        if not as_json:
            _print_finding(finding)
    failed = [finding.name for finding in findings if not finding.ok]
    if as_json:
        print_json(
            {"model": plugin.path, "kind": plugin.kind, "hash": plugin.hash, "ok": not failed, "findings": findings}
        )
    else:
        use = "" if subject.of_study else f'; use it in a study: {_key(plugin)} = "{model}"'
        hint = f": {', '.join(failed)}" if failed else use
        verdict = f"{len(failed)} of {len(findings)} checks fail" if failed else "all checks pass"
        print(f"{model}: {verdict}{hint}")
    return 1 if failed else 0


def _of_model(
    model: Path | str, assignments: tuple[str, ...], dataset: str, task: str | None, directory: Path
) -> _Subject:
    plugin = read_plugin(model)
    samples = data.load(_source(dataset), directory, Path.cwd(), task)
    train = min(TRAIN, 2 * len(samples.labels) // 3)
    validation = min(VALIDATION, len(samples.labels) - train)
    configuration = _configuration(plugin, assignments, train, samples)
    return _Subject(plugin, data.prepare(samples, train=train, validation=validation, seed=0), configuration)


def _of_study(study: Study, workspace: Path, directory: Path, *, new: bool) -> _Subject:
    """The model of a study on some of its samples, with a configuration of its first stage, for a few epochs.

    Of a `new` one, which a launch would look at, columns that are no features are named or refused as there.
    """
    plugin, stage = checked_plugin(study, workspace), study.stages[0]
    samples = data.load(study.data.dataset, directory, workspace, study.data.task_given)
    said = leaks_said(study, samples) if new else []
    sizes = spec.data_of(study, stage)
    train, validation = min(TRAIN, sizes.train), min(VALIDATION, sizes.validation_samples)
    split = data.prepare(samples, train=train, validation=validation, seed=study.seed)
    probes = [*spec.probes(study, stage)]
    given = spec.resolve(study, stage, probes[-1 if stage.tried_first else 0])  # which come last
    configuration = whole_configuration(given, sizes.train, train)
    if plugin.kind != "function":
        epochs = min(EPOCHS, configuration.training.epochs or EPOCHS)
        configuration = replace(configuration, training=configuration.training.model_copy(update={"epochs": epochs}))
    return _Subject(plugin, split, configuration, measures_of(study, workspace), said, of_study=True)


def _find_study(given: Path, storage: str, *, trusted: bool) -> tuple[Study, Path] | None:
    """The study of this file, or of this name, with its workspace; None if it is a model."""
    if given.suffix == ".toml":
        study = spec.parse(spec.read_text(given), str(given))
        return study, find_workspace(study, given)
    if given.exists() or given.suffix == ".py" or (row := look_up(storage, str(given))) is None:
        return None
    study = spec.parse(row.text, row.path)
    return study, trusted_workspace(row, study, trusted=trusted)


def _model(given: Path) -> Path | str:
    """A model file; or the name of a class: "sklearn.linear_model.Ridge" is no file, and has dots alone."""
    name = str(given)
    is_class = "." in name and given.suffix != ".py" and not given.exists() and name.replace(".", "_").isidentifier()
    return name if is_class else given


def _key(plugin: Plugin) -> str:
    return "estimator" if plugin.way == "estimator" else "file"


def _print_finding(finding: Finding) -> None:
    mark = symbol("✓", "ok") if finding.ok else "FAILS"
    print(f"{mark} {finding.name}: {finding.found}", flush=True)
    if finding.remedy:
        print(f"      {finding.remedy}")


def _source(dataset: str) -> Any:
    """A dataset's name, or a table as a study file writes it."""
    if not dataset.lstrip().startswith("{"):
        return dataset
    parse_toml("dataset", dataset, f"--dataset {dataset}")
    study = minimal_study("configurations = [{ eta = 0.1 }]", dataset=dataset, training={"epochs": 1, "batch_size": 1})
    return spec.parse(study, "--dataset").data.dataset


def _configuration(plugin: Plugin, assignments: Sequence[str], train: int, samples: Dataset) -> Configuration:
    """The configuration that is trained: the defaults of a minimal study, changed by `--set`."""
    keys = [text.partition("=")[0].strip() for text in assignments]
    epochs = EPOCHS if plugin.way != "estimator" or goes_on(plugin.function, keys) else 1
    training = {
        "epochs": str(epochs),
        "keep": '"last"',
        "eta": "0.05",
        "batch_size": str(min(50, train)),
        "lambda": "1e-4",
    }
    if plugin.taken is not None:
        training = {key: value for key, value in training.items() if key in (*_FIXED_KEYS, *plugin.taken)}
    known = (*plugin.parameters, *(key for key in _keys_of_training(plugin) if key not in _FIXED_KEYS))
    path = plugin.path if isinstance(plugin.path, str) else plugin.path.as_posix()
    model = {_key(plugin): json.dumps(path)}
    for text in assignments:
        key, value = assignment(text, known)
        (model if key in plugin.parameters else training)[key] = value
    stage = f"configurations = [{{ epochs = {epochs} }}]"
    study = spec.parse(minimal_study(stage, training=training, model=model, task=samples.task, train=train), "--set")
    spec.check_model_keys(study, plugin.parameters, plugin.taken)
    spec.check_class_weight(study, samples.classes)
    return spec.resolve(study, study.stages[0], {"epochs": epochs})


def _keys_of_training(plugin: Plugin) -> Iterable[str]:
    return plugin.taken if plugin.taken is not None else spec.Training.key_names()
