"""The section on pruning: what it saved, what it may have lost, and how the pruned are shown, against the truth."""

import csv
import io
import re

import made_pruned
import made_study
import numpy as np
import pytest
import sqlalchemy
from made_pruned import EPOCHS, RUNGS
from scipy.stats import binomtest

from hpsearch.reporting import load_frames, write_report
from hpsearch.reporting.figures.hyperparameters import hyperparameter_points
from hpsearch.reporting.figures.pairs import pair_figures
from hpsearch.reporting.figures.parallel_coordinates import parallel_coordinates
from hpsearch.reporting.figures.search import reading_aid
from hpsearch.reporting.formats.csv import ranking_csv
from hpsearch.reporting.sections.importance import stage_importances
from hpsearch.reporting.sections.pruning import SHOWN, view_pruning
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.sections.rungs import pruning_histories
from hpsearch.reporting.sections.selection_bias import corrected_accuracies
from hpsearch.reporting.sections.summary import summarise
from hpsearch.storage import schema


def stored(engine, trials=40, audit=0.1, seed=3, **columns):
    search = made_pruned.halving(np.random.default_rng(seed), trials, audit)
    made_pruned.store(engine, search, audit=audit, **columns)
    return search


def viewed(engine):
    frames = load_frames(engine, "made")
    stages = view_stages(frames)
    return frames, stages, view_pruning(frames, stages)


def change(engine, numbers, **columns):
    with engine.begin() as connection:
        connection.execute(schema.trials.update().where(schema.trials.c.number.in_(numbers)).values(columns))


def test_the_share_of_epochs_and_the_time_saved_are_those_of_the_trials(engine):
    search = stored(engine, seconds=60.0)
    _, _, (pruning,) = viewed(engine)
    done = np.where(search.finished, EPOCHS, search.pruned_at).sum()
    audits = (EPOCHS - search.pruned_at[search.audited]).sum()
    assert f"{done:,} of {40 * EPOCHS:,} epochs were run ({100 * done / (40 * EPOCHS):.0f}%), in" in pruning.saved
    spent, instead = f"{done // 60} h {done % 60} min", f"{40 * EPOCHS // 60} h 0 min"
    assert f"in {spent} instead of about {instead}; {audits} of these epochs were of audited trials." in pruning.saved


def test_each_rung_has_the_numbers_of_reached_promoted_pruned_and_audited(engine):
    search = stored(engine)
    _, _, (pruning,) = viewed(engine)
    for row, rung in zip(pruning.rungs, RUNGS, strict=True):
        reached, pruned = (search.pruned_at == 0) | (search.pruned_at >= rung), search.pruned_at == rung
        numbers = (rung, reached.sum(), (reached & ~pruned).sum(), pruned.sum(), (pruned & search.audited).sum())
        assert (row.epoch, row.reached, row.promoted, row.pruned, row.audited) == tuple(map(str, numbers))
        assert float(row.worst.rstrip("%")) >= float(row.best.rstrip("%")) - 0.7  # of one or two samples


def test_the_audited_are_compared_with_the_best_that_was_not_pruned_on_the_same_samples(engine):
    search = stored(engine)
    frames, _, (pruning,) = viewed(engine)
    trials = frames.trials.set_index("number")
    survivor = (
        trials[trials["pruned_at"].isna()].sort_values(["value", "validation_loss"], ascending=[False, True]).iloc[0]
    )
    assert len(pruning.audits) == search.audited.sum()
    last = pruning.audits[-1]
    one, other = (
        frames.correct(survivor["id"]),
        frames.correct(trials.loc[int(last.trial.removeprefix("pruned:")), "id"]),
    )
    only = int((one & ~other).sum()), int((other & ~one).sum())
    assert binomtest(only[0], sum(only)).pvalue < 0.001
    assert last.verdict == "worse (p < 0.001)"
    assert float(last.difference.replace("−", "-")) == pytest.approx((only[1] - only[0]) / 3, abs=0.06)


@pytest.mark.long
def test_the_sentences_give_what_the_audited_reached_and_a_bound_and_the_summary_is_short(engine, tmp_path):
    search = stored(engine)
    _, _, (pruning,) = viewed(engine)
    number = int(search.audited.sum())
    assert f"Of the 38 trials that the pruner decided against, {number} were selected at random" in pruning.lost[0]
    assert re.match(r"With 95% confidence, at most \d+% of all the pruned would have\. ", pruning.lost[1])
    page = write_report(engine, "made", tmp_path).read_text()
    assert pruning.in_short.split(" of the epochs")[0] in page
    assert 'aria-label="Validation accuracy by epoch in pruned: 2 configurations not pruned, 32 pruned' in page
    assert "40 → 14" in page


def test_without_audits_it_is_not_known_what_the_pruned_would_have_reached(engine):
    stored(engine, audit=0.0)
    _, _, (pruning,) = viewed(engine)
    (said,) = pruning.lost
    start = "It is not known what the pruned trials would have reached, since no trial was audited"
    assert said.startswith(start)
    assert "audit = 0.1" in said
    assert "what it lost is not known" in pruning.in_short
    assert pruning.audits == ()


def test_of_fewer_than_five_audited_nothing_is_concluded(engine):
    stored(engine, audit=0.03)
    _, _, (pruning,) = viewed(engine)
    assert 0 < len(pruning.audits) < 5
    (said,) = pruning.lost
    assert "too few to say what the others would have reached: it takes at least 5, which `audit = 0.2`" in said
    assert "what it lost is not known" in pruning.in_short


def test_an_audited_trial_above_the_best_that_was_not_pruned_is_reported_and_ranked(engine):
    search = stored(engine)
    audited = int(np.flatnonzero(search.audited)[0])
    change(engine, [audited], value=0.99)
    with engine.begin() as connection:
        best = schema.curves.update().where(schema.curves.c.trial_id == audited + 1, schema.curves.c.epoch == EPOCHS)
        connection.execute(best.values(validation_accuracy=0.99))
        trial = schema.trials.update().where(schema.trials.c.id == audited + 1).values(best_epoch=EPOCHS)
        connection.execute(trial)
    _, stages, (pruning,) = viewed(engine)
    above = sum(float(audit.difference.replace("−", "-")) > 0 for audit in pruning.audits)
    assert f" {above} of them ended above the best that was not pruned" in pruning.lost[0]
    lead = pruning.audits[0].difference.removeprefix("+")
    assert f", the best by {lead} points. " in pruning.lost[0]
    assert pruning.lost[0].endswith("An audited trial is ranked as any other.")
    assert pruning.audits[0].trial == stages[0].rows[0].trial == f"pruned:{audited}"
    assert f"audited (would have been pruned at epoch {search.pruned_at[audited]})" in stages[0].rows[0].remark


def test_an_audited_trial_is_not_ranked_while_those_train_that_the_pruner_kept_and_none_has_finished(engine):
    search = stored(engine)
    kept, audited = np.flatnonzero(search.pruned_at == 0).tolist(), np.flatnonzero(search.audited).tolist()
    change(engine, kept, state="running", epochs_done=9)
    frames, (stage,), _ = viewed(engine)
    assert not stage.ranked
    said = {row.number: row.remark for row in stage.rows if row.number in audited}
    assert all(
        said[number].startswith("ended, but is not ranked before one that the pruner kept; ") for number in audited
    )
    assert "No configuration that the pruner kept has finished yet" in summarise(frames, (stage,))[-1]
    change(engine, kept[:1], state="complete", epochs_done=EPOCHS)
    assert {row.number for row in viewed(engine)[1][0].ranked} == {*audited, kept[0]}
    change(engine, kept, state="failed")  # all that will ever finish are audited
    assert {row.number for row in viewed(engine)[1][0].ranked} == {*audited}


def test_pruned_trials_have_no_rank_are_never_ties_and_say_where_and_why(engine):
    search = stored(engine)
    frames, (stage,), _ = viewed(engine)
    rows = list(csv.DictReader(io.StringIO(ranking_csv(frames))))
    listed = [row for row in rows if row["state"] == "pruned"]
    assert len(listed) == (~search.finished).sum()
    assert all(
        not row["rank"]
        and int(row["pruned_at"])
        == int(row["epochs_done"])
        == search.pruned_at[int(row["trial"].removeprefix("pruned:"))]
        for row in listed
    )
    assert all(row["reason"].startswith("place 9 of 9 after epoch") for row in listed)
    pruned = [row for row in stage.rows if row.state == "pruned"]
    assert all(row.mark == "" and row.rank == "–" for row in pruned)
    assert [int(re.search(r"at epoch (\d+)", row.remark)[1]) for row in pruned] == sorted(
        search.pruned_at[~search.finished], reverse=True
    )


def test_pruned_configurations_take_part_in_the_correction_for_selection_bias(engine):
    stored(engine)
    frames, stages, _ = viewed(engine)
    (corrected,) = corrected_accuracies(frames, stages)
    assert corrected.configurations == "40"


def test_importance_puts_those_pruned_early_below_those_pruned_late(engine):
    stored(engine, trials=60)
    with engine.begin() as connection:  # all that were pruned at the first rung had a small η
        rows = connection.execute(
            sqlalchemy.select(schema.trials.c.id, schema.trials.c.pruned_at, schema.trials.c.params)
        )
        for trial, pruned_at, params in rows.all():
            changed = params | {"eta": 0.002 if pruned_at == 1 else 0.2 + 0.001 * trial}
            connection.execute(schema.trials.update().where(schema.trials.c.id == trial).values(params=changed))
    frames, stages, _ = viewed(engine)
    (importance,) = stage_importances(frames, stages)
    assert importance.configurations == 60
    assert importance.sentence.startswith(
        "pruned: η (p = 0.004) has a statistically significant influence on the order of 60 configurations."
    )


def test_figures_distinguish_the_pruned_from_the_finished(engine):
    search = stored(engine)
    frames, stages, _ = viewed(engine)
    points = hyperparameter_points(frames, stages, "eta").points
    assert sum(point.pruned for point in points) == (~search.finished).sum()
    assert any(text.startswith("A hollow mark was pruned") for text in reading_aid(frames, stages))
    pairs, parallel = pair_figures(frames, stages), parallel_coordinates(frames, stages)
    assert len(pairs) == 1
    assert parallel


def test_an_ended_budget_and_failures_are_no_decisions_of_the_pruner(engine):
    stored(engine)
    change(engine, [0], state="pruned", pruned_at=None, reason="the stage's budget of minutes ended", epochs_done=5)
    change(engine, [1], state="failed", pruned_at=None, reason="the training cost became NaN in epoch 2")
    frames, (stage,), _ = viewed(engine)
    assert len(pruning_histories(frames)["pruned"].candidates) == 38
    remarks = {row.trial: row.remark for row in stage.rows}
    assert remarks["pruned:0"] == "stopped after epoch 5 of 27: the stage's budget of minutes ended"
    assert "1 trial had not finished when the budget ended: not ranked." in stage.changes


def test_hyperbands_brackets_have_their_own_rungs(engine):
    stored(engine)
    text = made_pruned.HEAD.format(trials=40, audit=0.1).replace('"halving"', '"hyperband"')
    with engine.begin() as connection:
        connection.execute(schema.studies.update().values(text=text))
    frames = load_frames(engine, "made")
    met = {candidate.rungs for candidate in pruning_histories(frames)["pruned"].candidates}
    assert met == {(1, 3, 9), (3, 9), (9,), ()}


def test_configurations_with_several_seeds_are_pruned_by_their_means(engine):
    maker = made_study.Maker(engine, text=made_pruned.HEAD.format(trials=4, audit=0.5).replace("27", "12"))
    stage = maker.stage("pruned", "random", {"lambda": {"low": 1e-4, "high": 1e-1, "log": True}})
    for number in range(8):
        pruned = (
            {"pruned_at": 3, "reason": "place 4 of 4 after epoch 3, where the best one went on"} if number > 1 else {}
        )
        if number > 5:
            pruned |= {"state": "pruned", "epochs_done": 3}
        keys = {"point": number // 2, "replicate": number % 2}
        maker.trial(stage, number, {"lambda": 10.0 ** -(number // 2 + 1)}, 0.5 - 0.05 * (number // 2), **keys, **pruned)
    with engine.begin() as connection:
        text = (
            made_pruned.HEAD.format(trials=4, audit=0.5).replace("27", "12").replace("pruner", "replicates = 2\npruner")
        )
        connection.execute(schema.studies.update().values(text=text))
        late = (schema.curves.c.trial_id > 6) & (schema.curves.c.epoch > 3)
        connection.execute(schema.curves.delete().where(late))
    frames, (view,), (pruning,) = viewed(engine)
    assert pruning.saved.startswith("The pruner stopped 1 of 4 configurations in pruned: 78 of 96 epochs")
    assert [audit.trial for audit in pruning.audits] == ["pruned:2–3", "pruned:4–5"]
    assert "Compared as in the ranking" in pruning.caption
    values = frames.trials.set_index("number")["value"]
    expected = values.loc[[2, 3]].mean() - values.loc[[0, 1]].mean()
    assert float(pruning.audits[0].difference.replace("−", "-")) == pytest.approx(100 * expected, abs=0.006)
    assert view.rows[-1].remark == "pruned at epoch 3: place 4 of 4"


@pytest.mark.slow
def test_of_very_many_curves_and_audited_the_caption_says_how_many_are_shown(engine, tmp_path):
    search = stored(engine, trials=1_500)
    _, _, (pruning,) = viewed(engine)
    assert len(pruning.audits) == SHOWN
    assert f"The table shows the best {SHOWN} of {search.audited.sum()} audited trials." in pruning.caption
    assert re.search(r"The figure shows \d+ of the 1,\d+ pruned, \d+ of the \d+ audited", pruning.caption)
    page = write_report(engine, "made", tmp_path)
    assert page.stat().st_size < 2e6
