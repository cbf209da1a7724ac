"""The provenance of stages: their trials, epochs, and the trials that their ranges lie around."""

import made_study
from made_advice import HEAD, RANDOM, make

from hpsearch.reporting import load_frames
from hpsearch.reporting.sections.provenance import facts, stage_provenance
from hpsearch.reporting.sections.ranking.stage import view_stages


def test_a_range_around_the_best_names_their_trials_and_accuracies(engine):
    text = HEAD + RANDOM + '[[stage]]\nname = "fine"\nsampler = { kind = "grid" }\n'
    text += 'space.lambda = { around = "search", best = 2, points = 3 }\n'
    configurations = [{"lambda": value, "batch_size": 50} for value in (1e-4, 1e-3, 1e-2)]
    maker = make(engine, configurations, [0.3, 0.9, 0.6], text=text)
    fine = maker.stage("fine", "grid", {"lambda": {"low": 1e-3, "high": 1e-2, "log": True}})
    maker.trial(fine, 0, {"lambda": 1e-3}, 0.9, epochs_done=9, reason="stopped early: x")
    frames = load_frames(engine, "made")
    search, other = stage_provenance(frames, view_stages(frames))
    assert (search.trials, search.epochs) == ("3 complete", "36")
    assert (other.trials, other.epochs) == ("1 complete, 1 of them stopped early", "9 (3 saved)")
    assert other.ranges[0].startswith("λ: around the best 2 of search, search:1 (1e-3, 8")
    assert " and search:2 (1e-2, " in other.ranges[0]


def test_times_are_written_for_people_and_a_table_has_features_and_no_image_shape(engine):
    def of(name, **columns):
        made_study.Maker(engine, name, **columns)
        return dict(facts(load_frames(engine, name)))

    table = of(
        "table", data={"dataset": "t.csv", "classes": ["a", "b"], "image_shape": [1, 1, 12], "fingerprint": "5f"}
    )
    images = of("images")
    assert (table["Launched"], table["Finished"]) == (
        "2025-03-01 08:00:00 UTC, resumed once",
        "2025-03-01 08:02:41 UTC",
    )
    assert table["Features"].startswith("12, ")
    assert "“hpsearch verify table”" in table["To reproduce"]
    assert images["Image shape"].endswith("(channels, height, width)")
    assert {"Image shape", "Features"}.isdisjoint(table.keys() & images.keys())
