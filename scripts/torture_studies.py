"""Small studies on the digits that together use every feature of a study file, for `scripts/torture`."""

import importlib.util
import itertools
import random
import re

SAMPLERS = [
    *("random", "random batch", "grid", "list", "qmc"),
    *("tpe batch", "tpe window", "cmaes batch", "cmaes window"),
]

PRUNERS = {
    "none": "",
    "halving": 'pruner = { kind = "halving", keep = 0.5, min_epochs = 8, audit = 0.2 }',
    "hyperband": 'pruner = { kind = "hyperband", keep = 0.4, min_epochs = 10, audit = 0.1 }',
    "median": 'pruner = { kind = "median", startup = 3, rungs = [6, 15, 30], audit = 0.2 }',
}
BATCHED = ("halving", "hyperband")  # they compare the configurations of a batch, so they exclude a window

HEAD = """\
name = "torture"
seed = {seed}

[data]
dataset = "digits"
train = {train}
validation = {validation}

[model]
file = "models/mlp.py"
hidden = [{hidden}]

[training]
epochs = {epochs}
eta = 0.1
batch_size = 50
{training}
"""

SPACE = """\
space.lambda = { low = 1e-5, high = 1e-1, log = true }
space.eta = { low = 1e-2, high = 0.9, log = true }
"""
GRID = """\
space.lambda = { low = 1e-5, high = 1e-1, log = true, points = 4 }
space.eta = { low = 1e-2, high = 0.9, log = true, points = 3 }
"""


def study(seed: int, number: int) -> tuple[str, str]:
    """Return a description of the study of this number, and its text.

    All pairs of sampler and pruner come before one is repeated; everything else is drawn.
    """
    rng = random.Random(f"{seed}/{number}")
    sampler, pruner = _pairs(seed)[number % len(_pairs(seed))]
    if "cmaes" in sampler and not importlib.util.find_spec("cmaes"):
        sampler = sampler.replace("cmaes", "tpe")
    folds = rng.random() < 0.15
    replicates = 1 if folds else rng.choice([1, 1, 2])
    features = [sampler, f"pruner {pruner}", "folds" if folds else f"replicates {replicates}"]
    stage = [_sampling(rng, sampler), PRUNERS[pruner], f"replicates = {replicates}"]
    if not folds and rng.random() < 0.4:
        features.append("confirm")
        stage.append(f"confirm = {{ best = 3, replicates = {replicates + rng.choice([2, 3])} }}")
    if rng.random() < 0.3:
        budget = rng.choice(["epochs = 600", "target = 0.9", "patience = 5"])
        features.append(f"budget {budget}")
        stage.append(f"budget = {{ {budget} }}")
    if sampler not in ("grid", "list") and rng.random() < 0.3:
        features.append("first")
        stage.append("first = [{ lambda = 1e-3 }, { eta = 0.3, lambda = 1e-4 }]")
    parts = [_head(rng, folds, features), _stage("coarse", stage)]
    if sampler != "list" and rng.random() < 0.7:
        features.append("around")
        parts.append(_stage("fine", [_around(rng)]))
    if rng.random() < 0.6:
        features.append("final")
        parts.append("[final]\nreplicates = 2\ndata = { train = 200, validation = 100 }")
    return ", ".join(features), "\n\n".join(parts) + "\n"


def _pairs(seed: int) -> list[tuple[str, str]]:
    found = [p for p in itertools.product(SAMPLERS, PRUNERS) if not ("window" in p[0] and p[1] in BATCHED)]
    random.Random(seed).shuffle(found)
    return found


def _head(rng: random.Random, folds: bool, features: list[str]) -> str:
    training = ""
    if rng.random() < 0.3:
        features.append("early stopping")
        training = "stop = { patience = 15 }"
    if rng.random() < 0.2:
        features.append("keep last")
        training += '\nkeep = "last"'
    if rng.random() < 0.3:
        training += '\noptimiser = { kind = "adam" }\nloss = "cross_entropy"'
    return HEAD.format(
        seed=rng.randrange(1000),
        train=200,
        validation="{ folds = 3 }" if folds else "100",
        hidden=rng.choice([4, 8, 12]),
        epochs=rng.choice([32, 40]),
        training=training,
    )


def _stage(name: str, lines: list[str]) -> str:
    return "\n".join(["[[stage]]", f'name = "{name}"', *filter(None, lines)])


def _sampling(rng: random.Random, sampler: str) -> str:
    if sampler == "grid":
        return 'sampler = { kind = "grid" }\n' + GRID
    if sampler == "list":
        rows = [f"{{ lambda = {10 ** rng.uniform(-5, -1):.3g}, eta = {rng.uniform(0.01, 0.9):.3g} }}" for _ in range(6)]
        return f"configurations = [{', '.join(rows)}, {{ eta = 1e9 }}]"  # the last one diverges
    kind, _, way = sampler.partition(" ")
    options = {
        "random": "batch = 5" if way else "",
        "qmc": f'qmc_type = "{rng.choice(["sobol", "halton"])}"',
        "tpe": "n_startup_trials = 4",
        "cmaes": "popsize = 4" if rng.random() < 0.5 else "",
    }[kind]
    if kind in ("tpe", "cmaes"):
        options = ", ".join(filter(None, (options, f"{way} = {rng.choice([3, 4])}")))
    given = ", ".join(filter(None, (f'kind = "{kind}", trials = {rng.choice([8, 10])}', options)))
    return f"sampler = {{ {given} }}\n" + SPACE + ("space.batch_size = [25, 50]\n" if rng.random() < 0.5 else "")


def _around(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return 'sampler = { kind = "grid" }\nspace.eta = { around = "coarse", best = 2, points = 4 }'
    return 'sampler = { kind = "random", trials = 5 }\nspace.eta = { around = "coarse", best = 2 }'


def smaller(seed: int, number: int) -> str | None:
    """Return the study with fewer trials, if it is one that grows: its result must not depend on that."""
    features, text = study(seed, number)
    drawn = ", trials = " in text and "pruner none" in features and "confirm" not in features
    if not drawn or random.Random(f"{seed}/{number}/growth").random() < 0.4:
        return None
    return re.sub(r", trials = (\d+)", lambda found: f", trials = {int(found[1]) - 3}", text)
