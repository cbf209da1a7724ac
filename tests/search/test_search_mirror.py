"""What Optuna says of a study that was searched here: its best trial, attributes, figures, copies."""

import subprocess
import sys
import types
import warnings
from contextlib import closing

import matplotlib.pyplot as pyplot
import optuna
import pytest
from tiny import LIST, TINY, digest_of, options, url, workspace

from hpsearch import spec
from hpsearch.cli import main
from hpsearch.search import mirror
from hpsearch.search.launch import launch
from hpsearch.search.ranking import rank
from hpsearch.storage import reading
from hpsearch.storage.database import Database, opened_to_read
from hpsearch.storage.integrity import check_integrity
from hpsearch.version import __version__

REPLICATED = (
    TINY.replace('name = "coarse"', 'name = "coarse"\nreplicates = 2')
    .replace("[[stage]]" + TINY.split("[[stage]]")[2].split("[final]")[0], "")
    .replace("seed = 0", "seed = 3")
    .replace("train = 200", "train = 100")
    .replace("trials = 5", "trials = 8")
)
"""Of the first stage the best value of a single trial and the best mean are of different configurations."""
CONFIRMED = TINY.replace('name = "coarse"\n', 'name = "coarse"\nconfirm = { best = 2, replicates = 3 }\n').partition(
    '[[stage]]\nname = "fine"'
)[0]
TIED = (
    TINY.split("[[stage]]")[0]
    + LIST.replace('"coarse"', '"tied"')
    + "configurations = [{ eta = 0.1 }, { eta = 0.1000001 }, { eta = 0.10000001 }]\n"
)


def ranked(folder):
    """Of each stage its trials and our ranking, best first."""
    with opened_to_read(url(folder)) as connection:
        study = reading.get_study(connection, "tiny")
        for stage in reading.stages(connection, study.id):
            trials = reading.trials(connection, stage.id)
            yield stage, trials, rank(trials)


def shown(folder, stage):
    name = f"tiny / {stage.position + 1} {stage.name}"
    return optuna.load_study(study_name=name, storage=optuna.storages.RDBStorage(url(folder)))


@pytest.fixture(scope="module")
def replicated(tmp_path_factory, shared_processes):
    folder = tmp_path_factory.mktemp("replicated")
    launch(workspace(folder, REPLICATED), options(folder))
    return folder


@pytest.mark.parametrize("text", [CONFIRMED, TIED], ids=["confirmed", "tied"])
def test_the_best_trial_is_the_rankings_also_after_confirmation_and_with_equal_values(tmp_path, text):
    launch(workspace(tmp_path, text), options(tmp_path))
    for stage, _, ranking in ranked(tmp_path):
        best = shown(tmp_path, stage).best_trial
        assert best.number in [trial.number for trial in _of(tmp_path, stage, ranking[0].trials)]
        assert best.value == pytest.approx(ranking[0].value, rel=1e-12)
    with opened_to_read(url(tmp_path)) as connection:
        assert check_integrity(connection) == []


def _of(folder, stage, ids):
    return [trial for each, trials, _ in ranked(folder) if each.id == stage.id for trial in trials if trial.id in ids]


def test_the_luckiest_replicate_is_not_the_best_trial(replicated):
    stage, trials, ranking = next(iter(ranked(replicated)))
    luckiest = max(trials, key=lambda trial: trial.value)
    best = shown(replicated, stage).best_trial.number
    assert (luckiest.point == ranking[0].point, trials[best].point) == (False, ranking[0].point)


def test_replicates_are_told_with_their_mean_and_have_their_own_value_as_an_attribute(replicated):
    for stage, trials, ranking in ranked(replicated):
        study = shown(replicated, stage)
        assert study.best_params == pytest.approx(dict(ranking[0].params))
        told = {trial.number: trial for trial in study.trials}
        means = {trial_id: each.value for each in ranking for trial_id in each.trials}
        for trial in trials:
            found = told[trial.number]
            assert found.value == pytest.approx(means[trial.id], rel=1e-12)
            assert found.user_attrs.get("own_value", found.value) == pytest.approx(trial.value, rel=1e-12)
            assert found.user_attrs["best_epoch"] == trial.best_epoch
            assert found.user_attrs["validation_loss"] == trial.loss
            assert found.user_attrs.get("replicate", 0) == trial.replicate
            assert ("test" in found.user_attrs) == (stage.kind == "final")


def test_a_study_says_what_it_belongs_to_and_its_digest(replicated):
    for stage, *_ in ranked(replicated):
        assert shown(replicated, stage).user_attrs == {
            "hpsearch": __version__,
            "study": "tiny",
            "stage": stage.name,
            "stage_order": stage.position + 1,
            "stages": 2,
            "seed": 3,
            "digest": digest_of(replicated),
        }


def test_whole_numbers_stay_whole_in_the_final(replicated):
    *_, (stage, _, _) = ranked(replicated)
    best = shown(replicated, stage).best_trial
    assert (best.params["batch_size"], type(best.params["batch_size"])) in [(20, int), (50, int)]
    assert isinstance(best.params["eta"], float)


@pytest.mark.long
def test_optunas_figures_and_copies_are_made_of_it(replicated, tmp_path):
    stage, *_ = next(iter(ranked(replicated)))
    study, draw = shown(replicated, stage), optuna.visualization.matplotlib
    for plot in (
        draw.plot_optimization_history,
        draw.plot_slice,
        draw.plot_contour,
        draw.plot_parallel_coordinate,
        draw.plot_intermediate_values,
        draw.plot_edf,
        draw.plot_rank,
        draw.plot_timeline,
        draw.plot_param_importances,
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # matplotlib's backend of Optuna is marked as experimental
            plot(study)
    pyplot.close("all")
    optuna.copy_study(
        from_study_name=study.study_name, from_storage=url(replicated), to_storage=f"sqlite:///{tmp_path}/copy.db"
    )
    copy = optuna.load_study(study_name=study.study_name, storage=f"sqlite:///{tmp_path}/copy.db")
    assert (copy.best_trial.number, copy.user_attrs) == (study.best_trial.number, study.user_attrs)


@pytest.mark.slow
def test_optunas_command_line_names_the_best_trial(replicated):
    stage, *_ = next(iter(ranked(replicated)))
    study = shown(replicated, stage)
    line = [sys.executable, "-m", "optuna.cli", "best-trial", "--study-name", study.study_name, "-f", "json"]
    code = "import sys; from optuna.cli import main; sys.argv[0] = 'optuna'; sys.exit(main())"
    line = [sys.executable, "-c", code, *line[3:], "--storage", url(replicated)]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert f'"number": {study.best_trial.number}' in done.stdout


def test_repair_writes_the_same_and_a_database_from_before_is_valid(replicated):
    stage, *_ = next(iter(ranked(replicated)))
    before = [(each.number, each.value, each.user_attrs) for each in shown(replicated, stage).trials]
    assert main(["repair-mirror", "tiny", "--storage", url(replicated)]) == 0
    assert [(each.number, each.value, each.user_attrs) for each in shown(replicated, stage).trials] == before


def test_the_study_file_is_read_once_to_describe_all_stages(tmp_path, monkeypatch):
    assert launch(workspace(tmp_path), options(tmp_path, backend="sequential"))[1]
    read = []
    counted = types.SimpleNamespace(parse=lambda text, place: read.append(place) or spec.parse(text, place))
    monkeypatch.setattr(mirror, "spec", counted)
    with closing(Database(url(tmp_path), create=False)) as database, database.transaction() as connection:
        mirror.describe(connection, reading.get_study(connection, "tiny"))
    assert len(read) == 1  # of 500 stages, reading takes seconds
