"""Small studies on the digits that between them ask for everything: what `scripts/torture` tortures."""

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
BATCHED = ("halving", "hyperband")  # they compare a batch's configurations, so that a window does not go with them

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
    """What the torture's study of this number is, in a word for each thing, and its text.

    Each pair of sampler and pruner comes once before one comes again; all else is drawn.
    """
    rng = random.Random(f"{seed}/{number}")
    sampler, pruner = _pairs(seed)[number % len(_pairs(seed))]
    if "cmaes" in sampler and not importlib.util.find_spec("cmaes"):
        sampler = sampler.replace("cmaes", "tpe")
    folds = rng.random() < 0.15
    replicates = 1 if folds else rng.choice([1, 1, 2])
    words = [sampler, f"pruner {pruner}", "folds" if folds else f"replicates {replicates}"]
    stage = [_asking(rng, sampler), PRUNERS[pruner], f"replicates = {replicates}"]
    if not folds and rng.random() < 0.4:
        words.append("confirm")
        stage.append(f"confirm = {{ best = 3, replicates = {replicates + rng.choice([2, 3])} }}")
    if rng.random() < 0.3:
        budget = rng.choice(["epochs = 600", "target = 0.9", "patience = 5"])
        words.append(f"budget {budget}")
        stage.append(f"budget = {{ {budget} }}")
    if sampler not in ("grid", "list") and rng.random() < 0.3:
        words.append("first")
        stage.append("first = [{ lambda = 1e-3 }, { eta = 0.3, lambda = 1e-4 }]")
    parts = [_head(rng, folds, words), _stage("coarse", stage)]
    if sampler != "list" and rng.random() < 0.7:
        words.append("around")
        parts.append(_stage("fine", [_around(rng)]))
    if rng.random() < 0.6:
        words.append("final")
        parts.append("[final]\nreplicates = 2\ndata = { train = 200, validation = 100 }")
    return ", ".join(words), "\n\n".join(parts) + "\n"


def _pairs(seed: int) -> list[tuple[str, str]]:
    found = [p for p in itertools.product(SAMPLERS, PRUNERS) if not ("window" in p[0] and p[1] in BATCHED)]
    random.Random(seed).shuffle(found)
    return found


def _head(rng: random.Random, folds: bool, words: list[str]) -> str:
    training = ""
    if rng.random() < 0.3:
        words.append("early stopping")
        training = "stop = { patience = 15 }"
    if rng.random() < 0.2:
        words.append("keep last")
        training += '\nkeep = "last"'
    if rng.random() < 0.3:
        training += '\noptimiser = { kind = "adam" }\nloss = "cross_entropy"'
    return HEAD.format(
        seed=rng.randrange(1000),
        train=200,
        validation="{ folds = 3 }" if folds else "100",
        hidden=rng.choice([4, 8, 12]),
        epochs=rng.choice([40, 60, 80]),
        training=training,
    )


def _stage(name: str, lines: list[str]) -> str:
    return "\n".join(["[[stage]]", f'name = "{name}"', *filter(None, lines)])


def _asking(rng: random.Random, sampler: str) -> str:
    if sampler == "grid":
        return 'sampler = { kind = "grid" }\n' + GRID
    if sampler == "list":
        rows = [f"{{ lambda = {10 ** rng.uniform(-5, -1):.3g}, eta = {rng.uniform(0.01, 0.9):.3g} }}" for _ in range(9)]
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
    given = ", ".join(filter(None, (f'kind = "{kind}", trials = {rng.choice([10, 13])}', options)))
    return f"sampler = {{ {given} }}\n" + SPACE + ("space.batch_size = [25, 50]\n" if rng.random() < 0.5 else "")


def _around(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return 'sampler = { kind = "grid" }\nspace.eta = { around = "coarse", best = 2, points = 4 }'
    return 'sampler = { kind = "random", trials = 5 }\nspace.eta = { around = "coarse", best = 2 }'


def smaller(seed: int, number: int) -> str | None:
    """The study with fewer trials, from which some of those grow that then end as if they had been launched whole."""
    words, text = study(seed, number)
    drawn = ", trials = " in text and "pruner none" in words and "confirm" not in words
    if not drawn or random.Random(f"{seed}/{number}/growth").random() < 0.4:
        return None
    return re.sub(r", trials = (\d+)", lambda found: f", trials = {int(found[1]) - 3}", text)
