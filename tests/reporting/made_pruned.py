"""Makes stages with successive halving whose truth is known: each curve is there whole, and then cut at its rung."""

from dataclasses import dataclass
from typing import Any

import made_study
import numpy as np
import sqlalchemy

from hpsearch.reporting.statistics.pruning_loss import Went
from hpsearch.storage import schema

RUNGS, KEEP = (1, 3, 9), 1 / 3
EPOCHS = 27

HEAD = """\
name = "made"
data = {{ dataset = "digits", train = 1_000, validation = 300 }}
model = {{ file = "models/mlp.py", hidden = [50] }}
training = {{ eta = 0.1, batch_size = 100, epochs = 27 }}
[[stage]]
name = "race"
sampler = {{ kind = "random", trials = {trials} }}
pruner = {{ kind = "halving", keep = 0.3333333333, audit = {audit} }}
space.lambda = {{ low = 1e-5, high = 1e-1, log = true }}
space.eta = {{ low = 1e-3, high = 1, log = true }}
"""


@dataclass(frozen=True)
class Raced:
    """A search: what each trial would have come to, (trials, epochs), where it was cut (0: nowhere), who is audited."""

    accuracy: np.ndarray
    cut: np.ndarray
    audited: np.ndarray

    @property
    def best(self) -> np.ndarray:
        """The best accuracy so far."""
        return np.maximum.accumulate(self.accuracy, axis=1)

    @property
    def finished(self) -> np.ndarray:
        """Which trials have an end."""
        return (self.cut == 0) | self.audited

    @property
    def lost_the_best(self) -> bool:
        """Whether one that was cut would have ended above all that finished."""
        return bool(self.best[~self.finished, -1].max() > self.best[self.finished, -1].max())

    @property
    def went(self) -> list[Went]:
        """What a report knows of it."""
        at = [{rung: float(self.best[i, rung - 1]) for rung in RUNGS} for i in range(len(self.cut))]
        ends = [float(end) if known else None for end, known in zip(self.best[:, -1], self.finished, strict=True)]
        reached = [{r: value for r, value in a.items() if not c or r <= c} for a, c in zip(at, self.cut, strict=True)]
        return [Went(a, int(c) or None, e) for a, c, e in zip(reached, self.cut, ends, strict=True)]


KINDS = ("good ones learn fast", "good ones learn slowly", "speed says nothing", "alike but for noise", "a plateau")


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
    elif kind == "alike but for noise":
        slowness = 3 * np.exp(0.3 * noise)
    else:
        ceiling = np.where(random.random(trials) < 0.6, 0.52, 0.1 + 0.3 * quality)
        slowness = np.exp(1 + 0.9 * noise)
    rise = 1 - np.exp(-np.arange(1, EPOCHS + 1) / slowness[:, None])
    luck = 0.006 * random.normal(size=(trials, 1)) + 0.006 * random.normal(size=(trials, EPOCHS))
    return np.clip(0.1 + (ceiling[:, None] - 0.1) * rise + luck, 0.02, 0.99)


def race(random: np.random.Generator, trials: int, audit: float, kind: str = KINDS[0]) -> Raced:
    """Successive halving of such curves; of those that are cut a share, drawn by lot, is audited."""
    accuracy = curves(random, trials, kind)
    best = np.maximum.accumulate(accuracy, axis=1)
    alive, cut = np.arange(trials), np.zeros(trials, dtype=int)
    for rung in RUNGS:
        order = alive[np.argsort(-best[alive, rung - 1], kind="stable")]
        kept = max(1, int(np.ceil(KEEP * len(alive) - 1e-9)))
        cut[order[kept:]] = rung
        alive = np.sort(order[:kept])
    return Raced(accuracy, cut, (cut > 0) & (random.random(trials) < audit))


def store(
    engine: sqlalchemy.Engine, raced: Raced, *, audit: float = 0.1, samples: int = 300, seconds: float = 2.0
) -> made_study.Maker:
    """Insert a search as one stage; an epoch takes so many seconds."""
    trials = len(raced.cut)
    maker = made_study.Maker(engine, text=HEAD.format(trials=trials, audit=audit))
    maker.samples = samples
    space = {"lambda": {"low": 1e-5, "high": 1e-1, "log": True}, "eta": {"low": 1e-3, "high": 1.0, "log": True}}
    data = {"train": 1_000, "validation": samples, "test": 300}
    stage = maker.stage("race", "random", space, trials=trials, data=data)
    found = [_trial(maker, stage, raced, number, samples, seconds) for number in range(trials)]
    with engine.begin() as connection:
        connection.execute(schema.trials.insert(), [row for row, _, _ in found])
        places = ", ".join("?" * len(schema.curves.c))
        points = [point for _, curve, _ in found for point in curve]
        connection.exec_driver_sql(f"INSERT INTO hpsearch_curves VALUES ({places})", points)
        kept = [(row["id"], "validation", samples, right, None) for row, _, right in found]
        connection.exec_driver_sql("INSERT INTO hpsearch_predictions VALUES (?, ?, ?, ?, ?)", kept)
    return maker


def _trial(
    maker: made_study.Maker, stage: int, raced: Raced, number: int, samples: int, seconds: float
) -> tuple[dict[str, Any], list[tuple[float, ...]], bytes]:
    cut, audited = int(raced.cut[number]) or None, bool(raced.audited[number])
    done = cut if cut and not audited else EPOCHS
    accuracy = raced.accuracy[number, :done]
    best = int(accuracy.argmax())
    right = maker.right(float(accuracy[best]), samples)
    accuracy = np.where(np.arange(done) == best, right.mean(), np.minimum(accuracy, right.mean()))
    params = {"lambda": 10.0 ** maker.random.uniform(-5, -1), "eta": 10.0 ** maker.random.uniform(-3, 0)}
    row = {"id": number + 1, "stage_id": stage, "number": number, "point": number, "replicate": 0, "params": params}
    row |= {"configuration": {"model": {"hidden": [50]}, "training": {"batch_size": 100} | params}, "epochs": EPOCHS}
    row |= {"state": "pruned" if cut and not audited else "complete", "epochs_done": done, "seconds": seconds * done}
    row |= {"pruned_at": cut, "reason": f"place 9 of 9 after epoch {cut}, where the best 3 went on" if cut else None}
    row |= {"best_epoch": best + 1, "value": float(accuracy[best])}
    loss = 2.3 - 2.2 * accuracy
    columns = (np.full(done, 0.1), loss - 0.05, loss - 0.25, accuracy + 0.06, loss + 0.2, loss, accuracy)
    points = np.column_stack(columns).tolist()
    return row, [(number + 1, epoch, *point) for epoch, point in enumerate(points, 1)], np.packbits(right).tobytes()
