"""Study files of many stages, each around the one before: time is in proportion to their number."""

import time

from hpsearch import spec
from hpsearch.spec.checks.bounds import entries, root

HEAD = """\
name = "many"

[data]
dataset = "digits"
train = 200
validation = 100

[model]
file = "models/mlp.py"

[training]
epochs = 3
eta = 0.1
batch_size = 50
"""
FIRST = {
    "lambda": "{ low = 1e-5, high = 1e-1, log = true }",
    "optimiser": '["sgd", { kind = "adam", beta1 = { low = 0.8, high = 0.95 } }]',
}


def chain(stages):
    """A study file with so many stages."""
    text = HEAD
    for i in range(stages):
        space = FIRST if i == 0 else dict.fromkeys(FIRST, f'{{ around = "s{i - 1}", best = 2 }}')
        text += f'\n[[stage]]\nname = "s{i}"\nsampler = {{ kind = "random", trials = 4 }}\n'
        text += "".join(f"space.{key} = {entry}\n" for key, entry in space.items())
    return text


def test_a_long_chain_of_stages_is_read_soon_and_searches_what_its_first_stage_does():
    spec.parse(chain(2), "many.toml")
    begun = time.process_time()
    study = spec.parse(chain(340), "many.toml")
    assert time.process_time() - begun < 20  # a second on a machine of its own; 20 stages took minutes once
    first, last, unknown = study.stages[0], study.stages[-1], study.model_copy()
    assert root(unknown, last, "optimiser.beta1") == first.space["optimiser.beta1"]  # deeper than Python's stack
    assert list(entries(study.model_copy(), last)) == list(first.space)
    assert entries(study, last) == dict(first.space)
