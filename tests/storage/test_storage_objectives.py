"""A study of several objectives in a database of each kind, as Optuna and its dashboard read it."""

import json
from contextlib import closing
from wsgiref.util import setup_testing_defaults

import optuna
import optuna_dashboard
import pytest
from tiny import TINY, options, workspace

from hpsearch.search.launch import launch
from hpsearch.storage import reading
from hpsearch.storage.database import Database, opened_to_read
from hpsearch.storage.fronts import front_ranks

OBJECTIVES = '[[objective]]\nmetric = "flops"\n[[objective]]\nmetric = "accuracy"\n[[objective]]\nmetric = "log_loss"\n'
STUDY = (
    TINY.partition('[[stage]]\nname = "fine"')[0]
    .replace("[training]", f"{OBJECTIVES}\n[training]")
    .replace("hidden = [8]\n", "", 1)
    .replace("space.batch_size = [20, 50]", "space.hidden = [[2], [8]]")
    .replace("epochs = 3", "epochs = 2")
)


@pytest.fixture
def launched(tmp_path, storage):
    launch(workspace(tmp_path, STUDY), options(tmp_path, storage=storage))
    return storage


@pytest.mark.long
def test_optuna_has_the_directions_the_values_and_the_front_of_a_study_of_several_objectives(launched):
    with opened_to_read(launched) as connection:
        stage = reading.stages(connection, reading.get_study(connection, "tiny").id)[0]
        trials = reading.trials(connection, stage.id)
    with closing(Database(launched, create=False)) as database:
        storage = database.optuna
        (study,) = (study for study in storage.get_all_studies() if stage.name in study.study_name)
        theirs = optuna.load_study(study_name=study.study_name, storage=storage)
        _check(theirs, trials)
        page = shown_by_the_dashboard(storage, study._study_id)
        assert page["directions"] == ["maximize", "minimize", "minimize"]
        assert [trial["values"] for trial in page["trials"]] == [trial.values for trial in theirs.trials]


def shown_by_the_dashboard(storage, study):
    """What the dashboard's page of a study asks its server for."""
    environ, found = {"PATH_INFO": f"/api/studies/{study}"}, []
    setup_testing_defaults(environ)
    app = optuna_dashboard.wsgi(storage)
    body = b"".join(app(environ, lambda status, headers, error=None: found.append((status, error))))
    assert found == [("200 OK", None)]
    return json.loads(body)


def _check(theirs, trials):
    """Directions, names, values and front as Optuna has them are those of our own tables."""
    assert [direction.name for direction in theirs.directions] == ["MAXIMIZE", "MINIMIZE", "MINIMIZE"]
    assert theirs.metric_names == ["validation accuracy", "validation flops", "validation log_loss"]
    values = [trial.values for trial in theirs.trials]
    assert [row[0] for row in values] == [trial.value for trial in trials]
    width = {trial.number: trial.params["hidden"][0] for trial in trials}
    # 200 samples of 64 pixels, 10 classes: inputs count twice, hidden units three times
    assert [row[1] for row in values] == [
        trial.best_epoch * 200 * width[trial.number] * (2 * 64 + 3 * 10) for trial in trials
    ]
    ranks = front_ranks([(accuracy, -flops, -loss) for accuracy, flops, loss in values])
    assert sorted(trial.number for trial in theirs.best_trials) == [i for i, rank in enumerate(ranks) if not rank]
