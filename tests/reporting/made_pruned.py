"""Makes stages with successive halving whose complete curves are known, also beyond the rung where they are pruned."""

from dataclasses import dataclass
from typing import Any

import made_study
import numpy as np
import sqlalchemy

from hpsearch.storage import schema

RUNGS, KEEP = (1, 3, 9), 1 / 3
EPOCHS = 27

HEAD = """\
name = "made"
data = {{ dataset = "digits", train = 1_000, validation = 300 }}
model = {{ file = "models/mlp.py", hidden = [50] }}
training = {{ eta = 0.1, batch_size = 100, epochs = 27 }}
[[stage]]
name = "pruned"
sampler = {{ kind = "random", trials = {trials} }}
pruner = {{ kind = "halving", keep = 0.3333333333, audit = {audit} }}
space.lambda = {{ low = 1e-5, high = 1e-1, log = true }}
space.eta = {{ low = 1e-3, high = 1, log = true }}
"""


@dataclass(frozen=True)
class Halving:
    """A search: complete curves (trials, epochs), the rung where each is pruned (0: none), which are audited."""

    accuracy: np.ndarray
    pruned_at: np.ndarray
    audited: np.ndarray

    @property
    def best(self) -> np.ndarray:
        """The best accuracy so far."""
        return np.maximum.accumulate(self.accuracy, axis=1)

    @property
    def finished(self) -> np.ndarray:
        """Which trials have an end."""
        return (self.pruned_at == 0) | self.audited


KINDS = ("good ones learn fast", "good ones learn slowly", "speed says nothing", "equal but for noise", "a plateau")


def curves(random: np.random.Generator, trials: int, kind: str) -> np.ndarray:
    """Accuracies that rise from 10% to a ceiling of their own, at a speed of their own."""
    quality, noise = random.beta(2, 2, size=trials), random.normal(size=trials)
    ceiling = 0.1 + 0.45 * quality
    if kind == "good ones learn fast":
        slowness = np.exp(2.2 - 2 * quality + 0.4 * noise)
    elif kind == "good ones learn slowly":
        slowness = np.exp(0.3 + 1.8 * quality + 0.4 * noise)
    elif kind == "speed says nothing":
        slowness = np.exp(1.2 + 0.8 * noise)
    elif kind == "equal but for noise":
        slowness = 3 * np.exp(0.3 * noise)
    else:
        ceiling = np.where(random.random(trials) < 0.6, 0.52, 0.1 + 0.3 * quality)
        slowness = np.exp(1 + 0.9 * noise)
    rise = 1 - np.exp(-np.arange(1, EPOCHS + 1) / slowness[:, None])
    luck = 0.006 * random.normal(size=(trials, 1)) + 0.006 * random.normal(size=(trials, EPOCHS))
    return np.clip(0.1 + (ceiling[:, None] - 0.1) * rise + luck, 0.02, 0.99)


def halving(random: np.random.Generator, trials: int, audit: float, kind: str = KINDS[0]) -> Halving:
    """Successive halving of such curves; a share of the pruned, selected at random, is audited."""
    accuracy = curves(random, trials, kind)
    best = np.maximum.accumulate(accuracy, axis=1)
    alive, pruned_at = np.arange(trials), np.zeros(trials, dtype=int)
    for rung in RUNGS:
        order = alive[np.argsort(-best[alive, rung - 1], kind="stable")]
        kept = max(1, int(np.ceil(KEEP * len(alive) - 1e-9)))
        pruned_at[order[kept:]] = rung
        alive = np.sort(order[:kept])
    return Halving(accuracy, pruned_at, (pruned_at > 0) & (random.random(trials) < audit))


def store(
    engine: sqlalchemy.Engine,
    search: Halving,
    *,
    audit: float = 0.1,
    samples: int = 300,
    seconds: float = 2.0,
    **columns: Any,
) -> made_study.Maker:
    """Insert a search as one stage; an epoch takes so many seconds."""
    trials = len(search.pruned_at)
    maker = made_study.Maker(engine, text=HEAD.format(trials=trials, audit=audit), **columns)
    maker.samples = samples
    space = {"lambda": {"low": 1e-5, "high": 1e-1, "log": True}, "eta": {"low": 1e-3, "high": 1.0, "log": True}}
    data = {"train": 1_000, "validation": samples, "test": 300}
    stage = maker.stage("pruned", "random", space, trials=trials, data=data)
    found = [_trial(maker, stage, search, number, samples, seconds) for number in range(trials)]
    with engine.begin() as connection:
        connection.execute(schema.trials.insert(), [row for row, _, _ in found])
        places = ", ".join("?" * len(schema.curves.c))
        points = [point for _, curve, _ in found for point in curve]
        connection.exec_driver_sql(f"INSERT INTO hpsearch_curves VALUES ({places})", points)
        kept = [
            {
                "trial_id": row["id"],
                "split": "validation",
                "epoch": row["best_epoch"],
                "samples": samples,
                "correct": right,
            }
            for row, _, right in found
        ]
        connection.execute(schema.predictions.insert(), kept)
    return maker


def _trial(
    maker: made_study.Maker, stage: int, search: Halving, number: int, samples: int, seconds: float
) -> tuple[dict[str, Any], list[tuple[float, ...]], bytes]:
    pruned_at, audited = int(search.pruned_at[number]) or None, bool(search.audited[number])
    done = pruned_at if pruned_at and not audited else EPOCHS
    accuracy = search.accuracy[number, :done]
    best = int(accuracy.argmax())
    right = maker.right(float(accuracy[best]), samples)
    accuracy = np.where(np.arange(done) == best, right.mean(), np.minimum(accuracy, right.mean()))
    params = {"lambda": 10.0 ** maker.random.uniform(-5, -1), "eta": 10.0 ** maker.random.uniform(-3, 0)}
    row = {"id": number + 1, "stage_id": stage, "number": number, "point": number, "replicate": 0, "params": params}
    row |= {"configuration": {"model": {"hidden": [50]}, "training": {"batch_size": 100} | params}, "epochs": EPOCHS}
    row |= {
        "state": "pruned" if pruned_at and not audited else "complete",
        "epochs_done": done,
        "seconds": seconds * done,
    }
    reason = f"place 9 of 9 after epoch {pruned_at}, where the best 3 went on"
    row |= {"pruned_at": pruned_at, "reason": reason if pruned_at else None}
    row |= {"best_epoch": best + 1, "value": maker.value(float(accuracy[best]))}
    loss = 2.3 - 2.2 * accuracy
    columns = (
        np.full(done, 0.1),
        loss - 0.05,
        loss - 0.25,
        accuracy + 0.06,
        loss + 0.2,
        loss,
        accuracy,
        maker.value(accuracy),
    )
    points = np.column_stack(columns).tolist()
    return row, [(number + 1, epoch, *point) for epoch, point in enumerate(points, 1)], np.packbits(right).tobytes()
