"""`new study`: a few questions, each answer checked at once, and a study file that passes every check of `launch`.

May import data, spec, workers and search.
"""

import shlex
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from hpsearch import data, spec
from hpsearch.cli.new_study.dataset import source
from hpsearch.cli.new_study.prompter import Prompter, count, is_there
from hpsearch.cli.new_study.study_text import Answers, default_space, minimal_study, study_text
from hpsearch.cli.new_study.table import inspected, is_imbalanced, said_of, sizes_of
from hpsearch.cli.new_study.table_text import BOOSTING, TableStudy, table_study_text
from hpsearch.cli.output import print_json
from hpsearch.errors import DataError, InputError, StudyFileError
from hpsearch.files import write_file
from hpsearch.search import preparation
from hpsearch.spec.tables.base import Name
from hpsearch.storage.sqlite.workspace import default_url
from hpsearch.workers.models.plugin import Plugin, read_plugin


def new_study(
    file: Path | None,
    *,
    dataset: str | None,
    label: str | None,
    test: str | None,
    task: str | None,
    model: str | None,
    search: tuple[str, ...],
    trials: int | None,
    epochs: int | None,
    minutes: float | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Ask for whatever was not given, and write the study file. Raises InputError, with nothing written."""
    ask = Prompter(yes)
    if file is not None:
        _check_free(file)
        spec.check_value(f"{file}: the name", file.stem, Name)
    found = ask(
        "Dataset: digits, cifar10, or a path", "digits", lambda text: source(text, label, test, task, ask), dataset
    )
    defaults = default_space(found.task)
    if found.task == "regression" and task is None:
        click.echo("the labels look like values: a regression (--task classification takes them for names)", err=True)
    plugin = ask("Model file", "models/mlp.py", lambda text: read_plugin(Path(text)), model)
    keys = ask(
        "Hyperparameters to search",
        _default_names(plugin),
        lambda text: _hyperparameters(text, plugin),
        ";".join(search) or None,
    )
    space = {
        key: text or ask(f"Values of {key}", defaults.get(key, ""), _values_of(key, interactive=not yes))
        for key, text in keys.items()
    }
    each = ask("Epochs of each trial", 20, lambda text: count("epochs", text), epochs)
    number = ask("Configurations of the first stage", 16, lambda text: count("trials", text), trials)
    limit = ask("Time limit in minutes, 0 for none", 0, _minutes, minutes)
    data_name = found.dataset if isinstance(found.dataset, str) else Path(found.dataset["path"]).stem
    name = file.stem if file is not None else ask("Name of the study", _proposed(data_name, new=not yes), _name)
    path = file if file is not None else Path("studies") / f"{name}.toml"
    samples = found.samples
    validation = max(1, round(0.2 * samples)) if samples < 20_000 else samples // 10
    training: dict[str, int | float | str] = {"epochs": each, "batch_size": 50, "eta": 0.1}
    if found.task == "regression":
        training |= {"eta": 0.01, "loss": "squared_error"}
    usable = ["epochs", *_training_keys(plugin)]
    answers = Answers(
        name=name,
        dataset=found.dataset,
        task=found.task,
        train=samples - validation,
        validation=validation,
        model=str(plugin.path),
        space=space,
        training={key: value for key, value in training.items() if key in usable and key not in space},
        trials=number,
        minutes=limit or None,
    )
    return _finish(study_text(answers), name, path, plugin, as_json=as_json)


def study_of_table(
    table: Path,
    *,
    label: str | None,
    test: str | None,
    task: str | None,
    trials: int | None,
    epochs: int | None,
    minutes: float | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Inspect a table and write the study file. Raises InputError, with nothing written."""
    found = inspected(table, label, test, task, Prompter(yes))
    held, train, validation = sizes_of(found, test)
    spec.check_value(f"{table}: the name", table.stem, Name)
    name = _proposed(table.stem, new=True, prefix="")
    path, imbalanced = Path("studies") / f"{name}.toml", is_imbalanced(found)
    metric, also = ("rmse", ["mae", "r2"]) if found.task == "regression" else ("accuracy", ["log_loss"])
    if imbalanced:
        metric, also = "balanced_accuracy", ["accuracy", "log_loss"]
    answers = TableStudy(
        name=name,
        dataset=found.table | held,
        task=found.task,
        says_task=found.says_task,
        train=train,
        validation=validation,
        metric=metric,
        also=also,
        imbalanced=imbalanced,
        trials=trials or 16,
        epochs=epochs or 16,
        minutes=minutes or None,
    )
    said = [f"{table}: {said_of(found)}", *found.said]
    _finish(table_study_text(answers), name, path, read_plugin(BOOSTING[found.task]), said, as_json=as_json)


def _finish(text: str, name: str, path: Path, plugin: Plugin, said: Sequence[str] = (), *, as_json: bool) -> None:
    """Check the study, write it, and say what to do next."""
    has_data = _check(text, path, plugin)
    for line in said:
        click.echo(line, err=True)
    _check_free(path)  # once more: an answer may take a while
    write_file(path, text)
    commands = [*([] if has_data else ["hpsearch data fetch cifar10"]), f"hpsearch launch {shlex.quote(str(path))}"]
    if as_json:
        return print_json({"study": name, "file": path, "next": commands})
    click.echo(f"made {path}")
    return click.echo(f"next: {' && '.join(commands)}")


def _proposed(data_name: str, *, new: bool, prefix: str = "my-") -> str:
    """A name for a study of these data; with `new`, one that no file in studies/ has."""
    names = (f"{prefix}{data_name}{number}" for number in ("", *(f"-{count}" for count in range(2, 1000))))
    return next(name for name in names if not (new and (Path("studies") / f"{name}.toml").exists()))


def _training_keys(plugin: Plugin) -> list[str]:
    """The keys of [training] that a model uses: all, or those that a trainable takes."""
    return list(spec.TRAINING_KEYS if plugin.taken is None else plugin.taken)


def _default_names(plugin: Plugin) -> str:
    known = _training_keys(plugin)
    names = [key for key in ("lambda", "eta") if key in known] or [*plugin.parameters[:1], *known][:1]
    return ", ".join(names)


def _hyperparameters(text: str, plugin: Plugin) -> dict[str, str | None]:
    """Return the names in a list, "lambda, eta" or "lambda;eta=[0.1, 0.2]", with their values where they are given."""
    found: dict[str, str | None] = {}
    for part in text.split(";") if ";" in text or "=" in text else text.split(","):
        key, given, value = (word.strip() for word in part.partition("="))
        known = [*_training_keys(plugin), *plugin.parameters]
        if key not in known:
            hint = spec.did_you_mean(key, known, "[model]")
            raise InputError(f"{key!r} is not a key of [training] or a parameter of {plugin.path}{hint}")
        found[key] = _values_of(key)(value) if given else None
    return found


def _values_of(key: str, *, interactive: bool = False) -> Callable[[str], str]:
    place = "" if interactive else f"--search {key}=VALUES: "

    def check(text: str) -> str:
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = None
        if not isinstance(value, list | dict) or not value or "\n" in text:
            rule = "must be choices such as [20, 50], or a range such as { low = 1e-3, high = 0.5, log = true }"
            raise InputError(f"{place}the values of {key} {rule}, got {text!r}")
        _check_values(key, text, place)
        return text

    return check


def _check_values(key: str, text: str, place: str) -> None:
    """Raise InputError for values that no study file allows, e.g. low above high, before the next question.

    What depends on the other answers is checked with the whole file.
    """
    if key in ("cycles", "updates"):  # only some schedules have them
        return
    training = {"epochs": 1_000, "batch_size": 1, "eta": 0.1}
    training.pop(key, None)
    stage = f"sampler = {{ kind = 'random', trials = 1 }}\nspace.{key} = {text}"
    try:
        spec.parse(minimal_study(stage, training=training, train=1_000_000), "")
    except StudyFileError as error:
        _, _, message = str(error).partition("stage[0].space.")
        if message.startswith((f"{key} ", f"{key}.")) and "." not in key:
            raise InputError(f"{place}{message}") from None


def _minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 10**6:
        raise InputError(f"minutes must be a number from 0 to 1_000_000, got {text!r}")
    return value


def _name(text: str) -> str:
    spec.check_value("the name", text, Name)
    _check_free(Path("studies") / f"{text}.toml")
    return text


def _check_free(path: Path) -> None:
    if is_there(path):
        raise InputError(f"{path}: exists already; choose another name")


def _check(text: str, path: Path, plugin: Plugin) -> bool:
    """Check the study as `launch` does. Returns False, with shapes unchecked, if its dataset is not there."""
    study = spec.parse(text, str(path))
    spec.check_model_keys(study, plugin.parameters, plugin.taken)
    try:
        dataset = data.load(study.data.dataset, data.data_directory(), Path.cwd(), study.data.task_given)
    except DataError:
        if study.data.dataset != "cifar10":
            raise
        return False
    preparation.check(study, plugin, preparation.measures_of(study, Path.cwd()), dataset, default_url(), {})
    return True
