"""Launch a study file: everything is checked before anything is changed. May import spec, data, storage and workers."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from hpsearch import data, spec
from hpsearch.errors import InputError, StudyBusyError
from hpsearch.search.checks.leaks import leaks_said
from hpsearch.search.environment import environment
from hpsearch.search.growth import growth_of
from hpsearch.search.options import Options, how_to_resume, ready
from hpsearch.search.preparation import (
    check,
    check_steps,
    checked_plugin,
    find_workspace,
    measures_of,
    metric_files,
    prepare_all,
    stages_of,
)
from hpsearch.search.repair import described
from hpsearch.search.resume import resume
from hpsearch.search.run import after_a_change, open_workers, run_study
from hpsearch.search.samplers.sampler_files import sampler_classes, sampler_hashes
from hpsearch.search.stages.distinct import those_with_fewer
from hpsearch.search.stages.limits import check_backend
from hpsearch.storage import reading, writing
from hpsearch.storage.claims import Coordinator
from hpsearch.storage.database import Database, look_up
from hpsearch.storage.records import NewStudy
from hpsearch.text import require_utf8


def launch(path: Path, options: Options, *, or_resume: bool = False) -> tuple[str, bool]:
    """Check a study file, store it and run it. Returns the study's name, and False if it was interrupted.

    With `or_resume`, a study that was launched from the same text, or from one that this text only adds to, is resumed.

    Raises InputError, with nothing changed, for an error in the file, the model, the data or the database.
    """
    return launch_text(spec.read_text(path), str(path), options, or_resume=or_resume)


def launch_text(text: str, place: str, options: Options, *, or_resume: bool = False) -> tuple[str, bool]:
    """Do what `launch` does for the text of a study file; `place` says in messages where it is from."""
    path = str(Path(place).absolute())
    require_utf8("the path of the study file", path)
    study = spec.parse(text, place)
    row = look_up(options.storage, study.name)
    if row is not None:
        growth_of(row, text, place)
        if or_resume:
            here = str(find_workspace(study, Path(path)))  # named by a study file of this user
            trusted = options.trust_model or row.workspace == here
            return study.name, resume(study.name, replace(options, trust_model=trusted), text)
        command = how_to_resume(study.name, options)
        raise InputError(f"study {study.name!r} exists already; go on with `{command}`, or give it a new name")
    workspace = find_workspace(study, Path(place))
    require_utf8("the path of the workspace", str(workspace))
    plugin = checked_plugin(study, workspace)
    check_steps(study, plugin)
    measures = measures_of(study, workspace)
    options.watcher.activity("reading the data")
    with data.progress_to(options.watcher.activity):
        dataset = data.load(study.data.dataset, data.data_directory(options.data_dir), workspace, study.data.task_given)
    samplers = sampler_classes(study, workspace)
    options.watcher.activity(f"preparing {dataset.name}")
    leaks = leaks_said(study, dataset)
    said = [*dataset.said, *leaks, *check(study, plugin, measures, dataset, options.storage, samplers)]
    check_backend(study, options)
    new = NewStudy(
        name=study.name,
        text=text,
        path=path,
        workspace=str(workspace),
        environment=environment(),
        data={
            "dataset": dataset.name,
            "fingerprint": dataset.fingerprint,
            "classes": list(dataset.classes),
            "image_shape": list(dataset.image_shape),
            **({"targets": list(dataset.targets)} if dataset.targets else {}),
            **({"metrics": files} if (files := metric_files(measures)) else {}),
            **({"samplers": files} if (files := sampler_hashes(samplers)) else {}),
        },
        model={"file": study.model.name} | plugin.stored,
    )
    with open_workers(options) as workers:
        prepared = prepare_all(study, dataset, measures)
        for line in said:
            options.watcher.message(line)
        new = replace(new, data={**new.data, **prepared.base_rate})
        with closing(Database(options.storage, create=True)) as database, after_a_change(options.storage):
            with database.transaction() as connection:
                if reading.find_study(connection, study.name) is None:
                    added = writing.add_study(connection, database.optuna, new, stages_of(study, dataset))
                    writing.store_labels(connection, added, prepared.labels)
                row = reading.get_study(connection, study.name)
            if row.text != text:
                raise StudyBusyError(f"study {row.name!r} was launched by another process just now; give it a new name")
            options.watcher.activity(ready(dataset, options), checked=True)
            for message in those_with_fewer(study):
                options.watcher.message(message)
            with closing(Coordinator(database, row.id, row.name)), described(database, row):
                return study.name, run_study(
                    database, row, study, plugin, measures, dataset, prepared.splits, workers, options.watcher, samplers
                )
