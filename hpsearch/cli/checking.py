"""`gradcheck` and `check`: does a model file keep what a study promises? May import data, workers and rich."""

import json
import signal
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from hpsearch import data, spec
from hpsearch.cli.study_text import least_study
from hpsearch.cli.telling import sign, tell
from hpsearch.errors import InputError, nearest
from hpsearch.nn.gradcheck import ParameterCheck
from hpsearch.spec import Setting
from hpsearch.workers.conformance import EPOCHS, Finding, conformance
from hpsearch.workers.gradients import gradients
from hpsearch.workers.plugin import Plugin, read_plugin

TRAIN, VALIDATION = 500, 200
"""So many images `check` trains and measures on, or two thirds and one third of all, where there are fewer."""

_OURS = ("epochs", "cycles", "updates", "keep", "stop", "curves")
"""Keys of [training] that `check` sets itself."""


def check(model: Path, settings: tuple[str, ...], *, dataset: str, data_dir: Path | None, as_json: bool) -> int:
    """Print what was found of each promise; return 1 if any is broken."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # whatever a model raises is a finding; Ctrl-C must not be
    plugin = read_plugin(model)
    images = data.load(_source(dataset), data.data_directory(data_dir), Path.cwd())
    train = min(TRAIN, 2 * len(images.labels) // 3)
    validation = min(VALIDATION, len(images.labels) - train)
    setting = _setting(plugin, settings, train)
    split = data.prepare(images, train=train, validation=validation, seed=0)
    findings = []
    for finding in conformance(plugin, split, setting):
        findings.append(finding)
        if not as_json:
            _print_finding(finding)
    broken = [finding.name for finding in findings if not finding.ok]
    if as_json:
        tell({"model": model, "kind": plugin.kind, "hash": plugin.hash, "ok": not broken, "findings": findings})
    else:
        words = f"{len(broken)} of {len(findings)} fail" if broken else "keeps every promise"
        print(f"{model}: {words}" + (f": {', '.join(broken)}" if broken else f'; name it in a study: file = "{model}"'))
    return 1 if broken else 0


def _print_finding(finding: Finding) -> None:
    mark = sign("✓", "ok") if finding.ok else "FAILS"
    print(f"{mark} {finding.name}: {finding.found}", flush=True)
    if finding.remedy:
        print(f"      {finding.remedy}")


def _source(dataset: str) -> Any:
    """A dataset's name, or a table as a study file writes it."""
    if not dataset.lstrip().startswith("{"):
        return dataset
    _toml("dataset", dataset, f"--dataset {dataset}")
    study = least_study("settings = [{ eta = 0.1 }]", dataset=dataset, training={"epochs": 1, "batch_size": 1})
    return spec.parse(study, "--dataset").data.dataset


def _setting(plugin: Plugin, settings: Iterable[str], train: int) -> Setting:
    """The setting that is trained: that of a study which says no more than is needed, and what `--set` says."""
    training = {
        "epochs": str(EPOCHS),
        "keep": '"last"',
        "eta": "0.05",
        "batch_size": str(min(50, train)),
        "lambda": "1e-4",
    }
    if plugin.taken is not None:
        training = {key: value for key, value in training.items() if key in (*_OURS, *plugin.taken)}
    known = (*plugin.parameters, *(key for key in _keys_of_training(plugin) if key not in _OURS))
    model = {"file": json.dumps(plugin.path.as_posix())}
    for text in settings:
        key, value = _pair(text, known)
        (model if key in plugin.parameters else training)[key] = value
    stage = f"settings = [{{ epochs = {EPOCHS} }}]"
    parsed = spec.parse(least_study(stage, training=training, model=model, train=train), "--set")
    spec.check_model_keys(parsed, plugin.parameters, plugin.taken)
    return spec.resolve(parsed, parsed.stages[0], {"epochs": EPOCHS})


def _keys_of_training(plugin: Plugin) -> Iterable[str]:
    return plugin.taken if plugin.taken is not None else spec.Training.key_names()


def _pair(text: str, known: Iterable[str]) -> tuple[str, str]:
    """A key that is known, and its value as TOML writes it."""
    key, _, value = (part.strip() for part in text.partition("="))
    if key not in known:
        raise InputError(f"--set {text}: {key!r} is not a parameter of the model{nearest(key, known)}")
    _toml("value", value, f"--set {text}")
    return key, value


def _toml(key: str, value: str, place: str) -> dict[str, Any]:
    try:
        found = tomllib.loads(f"{key} = {value}")
    except tomllib.TOMLDecodeError:
        found = {}
    if list(found) != [key]:
        raise InputError(f"{place}: must be a value as TOML writes it, e.g. hidden=[50] or init='\"he\"'")
    return found


def gradcheck(model: Path, settings: tuple[str, ...], *, tolerance: float, as_json: bool, **given: Any) -> int:
    """Print a table of the checks; return 1 if any relative error exceeds the tolerance."""
    plugin = read_plugin(model)
    pairs = (_pair(text, plugin.parameters) for text in settings)
    found = gradients(plugin, {key: _toml(key, value, "")[key] for key, value in pairs}, **given)
    failed = [c for c in found if not c.relative_error <= tolerance]  # so that NaN fails
    if as_json:
        tell({"model": model, "ok": not failed, "tolerance": tolerance, "parameters": found})
        return 1 if failed else 0
    _print(found, tolerance)
    verdict = f"{len(failed)} of {len(found)} parameters fail" if failed else f"all {len(found)} parameters pass"
    worst = max(found, key=lambda c: (np.isnan(c.relative_error), c.relative_error))
    print(
        f"{verdict} (relative error at most {tolerance:g}); the worst entry is {worst.name}{_index(worst)}: "
        f"analytic {worst.analytic:.10g}, numeric {worst.numeric:.10g}"
    )
    return 1 if failed else 0


def _index(c: ParameterCheck) -> str:
    return f"[{', '.join(map(str, c.index))}]"


def _print(found: list[ParameterCheck], tolerance: float) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("parameter")
    for heading in ("entries", "relative error", "absolute difference"):
        table.add_column(heading, justify="right")
    table.add_column("worst entry")
    for heading in ("analytic", "numeric"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for c in found:
        cells = (
            c.name,
            str(c.entries),
            f"{c.relative_error:.2e}",
            f"{c.absolute_difference:.2e}",
            _index(c),
            f"{c.analytic:.6g}",
            f"{c.numeric:.6g}",
            "ok" if c.relative_error <= tolerance else "FAILS",
        )
        table.add_row(*cells)
    Console(width=None if Console().is_terminal else 140).print(table, markup=False, highlight=False)
