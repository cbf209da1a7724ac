"""[[reference]] rows: what they are about, what is wrong with a bad one, and that no result depends on them."""

# ruff: noqa: E501  (a row of a table stays on one line)

import pytest

from hpsearch.errors import StudyFileError
from hpsearch.spec import difference, parse
from hpsearch.spec.checks.references import stages_of

TEXT = """
name = "x"
data = { dataset = "digits", train = 1_000, validation = 400 }
model = { file = "models/mlp.py" }
[training]
eta = 0.1
batch_size = 100
epochs = 40
[[stage]]
name = "coarse"
sampler = { kind = "random", trials = 8 }
space.lambda = { low = 1e-5, high = 1e-1, log = true }
space.schedule.kind = ["constant", "step"]
[[stage]]
name = "table"
test = true
configurations = [ { lambda = 0, eta = 0.1 }, { lambda = 1 } ]
[final]
[[reference]]
"""

ROW = 'metric = "test_accuracy"\nvalue = 0.5\nsource = "a report"'


def row(text):
    study = parse(TEXT + text, "x")
    return study.references[0], [stage.name for stage in stages_of(study, study.references[0])]


def test_a_row_is_about_the_final_a_stage_or_whichever_stages_search_its_configuration():
    assert row(ROW)[1] == row('stage = "final"\n' + ROW)[1] == []
    assert row('stage = "table"\n' + ROW)[1] == ["table"]
    assert row("configuration = { lambda = 0.0 }\n" + ROW)[1] == ["table", "coarse"]
    assert row('configuration = { lambda = 1, "schedule.kind" = "step" }\n' + ROW.replace("test", "validation"))[1] == [
        "coarse"
    ]


def test_a_row_keeps_what_it_says():
    found, _ = row(ROW + '\ntolerance = 0.015\nnote = "as printed"')
    assert (found.metric, found.value, found.source, found.tolerance) == ("test_accuracy", 0.5, "a report", 0.015)
    assert (found.note, found.configuration, found.stage) == ("as printed", {}, None)


def test_a_row_is_of_any_metric_that_the_study_records_by_its_name():
    objective = '[objective]\nmetric = "log_loss"\nalso = ["f1_macro", { file = "m/profit.py" }, { kind = "top_k_accuracy", k = 3 }]\n'
    text = TEXT.replace("[[stage]]", objective + "[[stage]]", 1)
    for name in ("log_loss", "f1_macro", "profit", "top_3_accuracy", "accuracy", "cost", "loss"):
        for part in ("train", "validation", "test"):
            assert parse(text + ROW.replace("test_accuracy", f"{part}_{name}"), "x").references[0].measured == name
    with pytest.raises(StudyFileError, match=r"value must be a share between 0 and 1, got 51\.7"):
        parse(text + ROW.replace("test_accuracy", "test_top_3_accuracy").replace("0.5", "51.7"), "x")


def test_rows_and_the_description_are_no_part_of_what_a_study_is():
    changed = TEXT.replace('name = "x"', 'name = "x"\ndescription = "new"') + ROW
    assert difference(TEXT.replace("[[reference]]", ""), changed) == []
    assert difference(TEXT, TEXT.replace("epochs = 40", "epochs = 41")) == ["training.epochs: 40 → 41"]


RULE = "must be 'train_', 'validation_' or 'test_' before a metric that the study records"
BAD = [
    (ROW.replace("0.5", "51.73"), ".value must be a share between 0 and 1, got 51.73"),
    (ROW.replace("0.5", "true"), ".value must be a number, got true"),
    (ROW.replace("test_accuracy", "accuracy"), f".metric {RULE}, got 'accuracy'; did you mean 'validation_accuracy'?"),
    (ROW.replace("test_accuracy", "val_acc"), f".metric {RULE}, got 'val_acc'; did you mean 'validation_accuracy'?"),
    (ROW.replace("test_accuracy", "test_acuracy"), f".metric {RULE}, got 'test_acuracy'; did you mean 'test_accuracy'?"),
    (ROW.replace("test_accuracy", "test_rmse"), f".metric {RULE}, got 'test_rmse'; it records accuracy, loss, cost"),
    (ROW.replace("source", "sorce"), ".sorce is not a key; did you mean 'source'?"),
    (ROW + "\ntolerance = 0", ".tolerance must be above 0, got 0"),
    ('stage = "tabel"\n' + ROW, ".stage must name a stage, got 'tabel'; did you mean 'table'?"),
    ('stage = "final"\nconfiguration = { lambda = 1 }\n' + ROW, ".configuration must not be given for the final, which trains the winner, got { lambda = 1 }"),
    ("configuration = { lamda = 1 }\n" + ROW, ".configuration.lamda is not a hyperparameter of the study; did you mean 'lambda'?"),
    ('configuration = { eta = 0.1, "schedule.kind" = "step" }\n' + ROW, ".configuration must have hyperparameters that one stage searches together, got { eta = 0.1, schedule.kind = 'step' }"),
    ('stage = "table"\nconfiguration = { lambda = 2 }\n' + ROW, ".configuration must be one of the configurations of stage 'table', got { lambda = 2 }"),
    ('stage = "coarse"\n' + ROW, ".metric must not be of the test set, on which stage 'coarse' is not evaluated (test = true), got 'test_accuracy'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line"), BAD)
def test_a_bad_row_costs_one_line(text, line):
    with pytest.raises(StudyFileError) as error:
        parse(TEXT + text, "x")
    assert str(error.value) == f"x: reference[0]{line}"


def test_without_a_final_a_row_needs_a_stage_or_a_configuration():
    with pytest.raises(StudyFileError, match=r"reference\[0\].stage is missing; without \[final\]"):
        parse(TEXT.replace("[final]", "") + ROW, "x")
