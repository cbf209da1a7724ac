"""Resume a stored study: everything is checked before anything is changed. May import spec, data, storage, workers."""

from contextlib import closing

from hpsearch import data, spec
from hpsearch.errors import DataError, ModelError, StudyBusyError
from hpsearch.search.environment import environment
from hpsearch.search.growth import accept, description, grow, growth_of, growth_of_file
from hpsearch.search.options import Options, ready
from hpsearch.search.preparation import (
    check,
    checked_plugin,
    measures_of,
    model_of,
    prepare_all,
    require_same_metrics,
    trusted_workspace,
)
from hpsearch.search.repair import described
from hpsearch.search.run import after_a_change, open_workers, run_study
from hpsearch.search.samplers.sampler_files import sampler_classes
from hpsearch.search.stages.distinct import those_with_fewer
from hpsearch.search.stages.limits import check_backend
from hpsearch.storage import reading, writing
from hpsearch.storage.claims import Coordinator
from hpsearch.storage.damage.blobs import require_intact
from hpsearch.storage.database import Database, opened_to_read
from hpsearch.storage.records import COMPLETE
from hpsearch.workers.models.plugin import changed


def resume(name: str, options: Options, text: str | None = None) -> bool:
    """Resume a stored study. Returns False if it was interrupted; True at once if it was complete.

    Where its file, or `text`, only adds trials, stages or longer budgets, the study grows. Raises StudyChangedError for
    any other change of it, DataError or ModelError if the data or the model changed, DamagedError if results are lost.
    """
    with opened_to_read(options.storage) as connection:  # a writer takes a second to open
        row = reading.get_study(connection, name)
        require_intact(connection, row.id)
    grown = growth_of(row, text, row.path) if text is not None else growth_of_file(row)
    if row.state == COMPLETE and grown is None:
        return True
    with closing(Database(options.storage, create=False)) as database:
        study = spec.parse(grown.text if grown else row.text, row.path)
        workspace = trusted_workspace(row, study, trusted=options.trust_model)
        model = model_of(study, workspace)
        other = changed(model, row.model)
        if other and not options.accept_changes:
            raise ModelError(
                f"{other} since study {name!r} was launched; restore it, launch "
                "under a new name, or begin its unfinished trials anew with --accept-changes"
            )
        plugin = checked_plugin(study, workspace)
        require_same_metrics(row, study, workspace)
        measures = measures_of(study, workspace)
        samplers = sampler_classes(study, workspace, row.data.get("samplers"))
        options.watcher.activity("reading the data")
        with data.progress_to(options.watcher.activity):
            directory = data.data_directory(options.data_dir)
            dataset = data.load(study.data.dataset, directory, workspace, study.data.task_given)
        if dataset.fingerprint != row.data["fingerprint"]:
            raise DataError(
                f"{dataset.name}: the samples are not those that study {name!r} was launched with; name the directory "
                "of those with --data-dir, or launch under a new name"
            )
        options.watcher.activity(f"preparing {dataset.name}")
        check(study, plugin, measures, dataset, options.storage, samplers)
        check_backend(study, options)
        with closing(Coordinator(database, row.id, name)), open_workers(options) as workers:
            prepared = prepare_all(study, dataset, measures)
            options.watcher.activity(ready(dataset, options), checked=True)
            if grown:
                options.watcher.message(description(row, study, grown))
                for message in those_with_fewer(study, grown.growth.added):
                    options.watcher.message(message)
            with database.transaction() as connection:
                now = reading.get_study(connection, name)
                if (now.id, now.text, now.model["hash"]) != (row.id, row.text, row.model["hash"]):
                    raise StudyBusyError(f"study {name!r} was changed by another process just now; resume it again")
                if grown:
                    grow(connection, database, row, study, grown, dataset)
                if other:
                    accept(connection, row, plugin)
                writing.store_labels(connection, row.id, prepared.labels)
                writing.count_launch(connection, row.id, environment())
            with after_a_change(options.storage), described(database, row):
                return run_study(
                    database, row, study, plugin, measures, dataset, prepared.splits, workers, options.watcher, samplers
                )
