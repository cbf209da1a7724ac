"""Is the best better than the default configuration? The sentence, the ranking, ranking.csv and the JSON."""

import json

import made_study
import numpy as np
import pytest
from scipy import stats
from tiny import digest_of, options, url, workspace

from hpsearch.cli import main
from hpsearch.reporting import load_frames
from hpsearch.reporting.formats.csv import ranking_csv
from hpsearch.reporting.results import results
from hpsearch.reporting.sections.ranking.against_default import against_default
from hpsearch.reporting.sections.ranking.in_short import in_short
from hpsearch.reporting.sections.ranking.stage import view_stages
from hpsearch.reporting.sections.summary import last_search
from hpsearch.search.launch import launch
from hpsearch.storage import schema

TEXT = """\
name = "made"
data = { dataset = "digits", train = 1_000, validation = 300 }
model = { file = "models/mlp.py", hidden = [50] }
training = { eta = 0.1, batch_size = 100, epochs = 12 }
[[stage]]
name = "coarse"
default = { lambda = 1e-3 }
sampler = { kind = "random", trials = 3 }
space.lambda = { low = 1e-5, high = 1e-1, log = true }
"""
SPACE = {"lambda": {"low": 1e-5, "high": 1e-1, "log": True}}


def study(engine, *accuracies, samples=400, stages=("coarse",), **columns):
    """Networks of these accuracies in a stage or two, the first the default; what is said, and what each has right."""
    random, maker, made = np.random.default_rng(0), made_study.Maker(engine, text=TEXT), []
    easy, number = random.normal(size=samples), 0
    for name in stages:
        stage = maker.stage(name, "random", SPACE)
        for accuracy in accuracies[: len(accuracies) // len(stages)] if name == "coarse" else accuracies[-1:]:
            noisy = easy + 0.5 * random.normal(size=samples)
            right = noisy < np.quantile(noisy, accuracy)
            own = {"value": float(right.mean()), "best_epoch": 12, "epochs_done": 12, "epochs": 12}
            own |= columns if not number else {}
            trial = maker.unfinished(
                stage, number, {"lambda": 10.0 ** -(3 + number)}, own.pop("state", "complete"), **own
            )
            maker.insert_curve(trial, 12, validation_accuracy=float(right.mean()), validation_loss=1.0)
            maker.insert(
                schema.predictions,
                {"trial_id": trial, "split": "validation", "epoch": 12, "samples": samples}
                | {"correct": np.packbits(right).tobytes()},
            )
            number += 1
            made.append(right)
    frames = load_frames(engine, "made")
    views = view_stages(frames)
    return frames, views, against_default(frames, views, last_search(views)), made


def test_two_networks_have_the_difference_and_the_p_of_mcnemars_exact_test(engine):
    _, _, found, (default, best) = study(engine, 0.70, 0.72)
    assert found.difference == pytest.approx(best.mean() - default.mean())
    only = [int((best & ~default).sum()), int((default & ~best).sum())]
    assert found.p == pytest.approx(stats.binomtest(only[0], sum(only)).pvalue, abs=0.06)  # simulated, at 5% or above
    assert found.verdict == "not known"
    assert found.low < 0 < found.difference < found.high
    assert (
        "The study cannot tell whether the best of coarse is better than the default: the best less" in found.sentence
    )
    assert "about these trained models" in found.sentence


def test_a_clearly_better_one_is_better_and_the_default_has_its_name_in_the_ranking(engine):
    frames, views, found, (default, _, best) = study(engine, 0.50, 0.55, 0.72)
    assert found.verdict == "better"
    assert found.difference == pytest.approx(best.mean() - default.mean())
    assert 0 <= found.low < found.difference < found.high
    gaps = np.random.default_rng(1).choice(best.astype(float) - default, (2_000, best.size)).mean(axis=1)
    assert found.high - found.low > np.quantile(gaps, 0.975) - np.quantile(gaps, 0.025)  # it holds for all of the table
    assert "statistically significantly better than the default" in found.sentence
    assert "(λ = 1e-3; coarse:0)" in found.sentence
    assert [row.remark.startswith("the default") for row in views[0].rows] == [False, False, True]
    rows = [line.split(",") for line in ranking_csv(frames).splitlines()]
    assert [row[rows[0].index("default")] for row in rows[1:]] == ["", "", "yes"]


def test_the_default_may_be_the_best_or_better_than_the_best_of_a_later_stage(engine):
    _, _, found, _ = study(engine, 0.72, 0.55)
    assert (found.verdict, found.difference) == ("the default is the best", None)
    assert "the search found no better one" in found.sentence


def test_the_default_is_compared_with_the_best_of_a_later_stage_on_the_same_samples(engine):
    _, _, found, (default, *_, best) = study(engine, 0.85, 0.55, 0.60, 0.50, stages=("coarse", "fine"))
    assert found.verdict == "not better"
    assert found.difference == pytest.approx(best.mean() - default.mean())
    assert found.low < found.difference < found.high <= 0
    assert "The best of the last search stage (fine) is statistically significantly worse" in found.sentence


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"state": "pruned", "pruned_at": 3, "reason": "place 9 of 9 after epoch 3"}, "was pruned at epoch 3: place 9"),
        ({"state": "failed", "reason": "diverged"}, "failed: diverged. So the study cannot tell"),
        ({"state": "running"}, "has not finished yet, so the study cannot tell"),
    ],
)
def test_a_default_that_did_not_finish_is_not_compared(engine, columns, said):
    frames, views, found, _ = study(engine, 0.70, 0.72, **columns)
    assert (found.verdict, found.difference, found.state) == ("not known", None, columns["state"])
    assert said in found.sentence
    (line,) = (each.text for each in in_short(frames, views, [], found, None, []) if each.label == "Better by")
    short = {"pruned": "not known, since that was stopped before its end", "failed": "not known, since that failed"}
    assert f"than the default: {short.get(found.state, 'not known')}" in line
    assert line.endswith("as measured.") == ("points" in line)


def test_a_study_that_names_a_default_trains_it_first_and_reports_it_as_json(tmp_path, capsys):
    text = (
        TEXT.replace("1_000", "200").replace("300", "100").replace("[50]", "[8]").replace("epochs = 12", "epochs = 1")
    )
    launch(workspace(tmp_path, text, "made.toml"), options(tmp_path))
    first = load_frames_of(tmp_path).trials.sort_values("number").iloc[0]
    assert first["params"] == {"lambda": 1e-3}
    capsys.readouterr()
    assert main(["report", "made", "--json", "--storage", url(tmp_path), "--reports", str(tmp_path / "r")]) == 0
    assert json.loads(capsys.readouterr().out)["default"]["trial"] == "coarse:0"
    assert digest_of(tmp_path, "made")


def load_frames_of(folder):
    from hpsearch.storage.database import open_to_read

    return results(open_to_read(url(folder)), "made").frames
