"""Of [training], a study file may have the keys that its trainable takes, and no others."""

import pytest

from hpsearch.errors import StudyFileError
from hpsearch.spec import check_model_keys, parse

STUDY = """
name = "x"
data = { dataset = "digits", train = 20, validation = 10 }
model = { file = "models/mine.py", depth = 3 }
[training]
epochs = 4
[[stage]]
name = "one"
sampler = { kind = "random", trials = 3 }
space.eta = { low = 0.1, high = 1.0 }
[final]
"""
TAKEN = {"lambda": False, "eta": True}


def test_a_trainable_needs_no_batch_size_and_no_eta():
    text = STUDY.replace("space.eta", "space.depth").replace("0.1", "1").replace("1.0", "5")
    check_model_keys(parse(text, "x"), ["depth"], {})


def test_a_trainable_gets_what_it_asks_for():
    more = 'epochs = 4\nlambda = 0.1\nkeep = "last"\ncurves = "all"\nstop = { patience = 2 }'
    check_model_keys(parse(STUDY.replace("epochs = 4", more), "x"), ["depth"], TAKEN)


ONLY = "which has a training loop of its own; of [training] it uses epochs, stop, keep, curves, lambda, eta"
SHAPE = "a trainable, gets the samples as they are"
BAD = [
    ("epochs = 4", "epochs = 4\nbatch_size = 10", f"training.batch_size is not used by MINE, {ONLY}"),
    ("epochs = 4", 'epochs = 4\noptimiser = "adam"', f"training.optimiser is not used by MINE, {ONLY}"),
    ("[final]", "[final]\ntraining.loss = 'hinge'", f"final.training.loss is not used by MINE, {ONLY}"),
    ("space.eta", "space.clip_norm", f"stage[0].space.clip_norm is not used by MINE, {ONLY}"),
    ("space.eta", "space.depth", "stage[0].training.eta is missing; MINE needs it"),
    (
        *("epochs = 4", "epochs = 4\ncurves = 'running'"),
        "stage[0].training.curves must be 'sample' or 'all' with MINE, a trainable, got 'running'",
    ),
    ("[[stage]]", "[augmentation]\nflip = true\n[[stage]]", f"augmentation.flip must not be given; MINE, {SHAPE}"),
    ("[final]", "augmentation.noise = 1\n[final]", f"stage[0].augmentation.noise must not be given; MINE, {SHAPE}"),
    ("depth = 3", "eta = 0.1", "model.eta is not a key of MINE; it is one of [training]"),
    ("depth = 3", "width = 3", "model.width is not a key of MINE; did you mean 'depth'?"),
]


@pytest.mark.parametrize(("old", "new", "line"), BAD)
def test_what_a_trainable_does_not_use_or_lacks_costs_one_line(old, new, line):
    study = parse(STUDY.replace(old, new), "x")
    with pytest.raises(StudyFileError) as error:
        check_model_keys(study, ["depth"], TAKEN)
    assert str(error.value) == f"x: {line}".replace("MINE", "models/mine.py")
