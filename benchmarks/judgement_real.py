"""The report's claims on real networks: digits and CIFAR-10, with the samples that were not drawn as the truth.

    python benchmarks/judgement_real.py digits [--storage sqlite:///digits.db] [--parts 100] [--seed 1]
    HPSEARCH_DATA=… python benchmarks/judgement_real.py cifar10

Trains 40 random learning rates with ten seeds each, whose predictions for many validation samples are stored after each
epoch, or reads them from `--storage`. Then, many times, 200 to 5,000 of these samples are the validation set, R of the
seeds the replicates, and the others give the truth: of a network its accuracy on the other samples at the epoch chosen,
of a configuration the mean over the seeds not drawn. The truth is itself an estimate: intervals are held against it
after they are widened by what it varies. May import our command line's parts and the reports' statistics.
"""

import argparse
import math
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sqlalchemy
from judgement_comparison import share
from judgement_table import Goal
from numpy.typing import NDArray

from hpsearch.reporting import load_frames
from hpsearch.reporting.ranking_order import Record
from hpsearch.reporting.sections.selection_bias import shrunken_and_worth
from hpsearch.reporting.statistics.comparison.best import compare
from hpsearch.reporting.statistics.comparison.runs import Runs
from hpsearch.reporting.statistics.comparison.two_way import Evidence
from hpsearch.reporting.statistics.seeds import SeedVariance
from hpsearch.reporting.statistics.selection import Run, correct_selection_bias

SEEDS = 10
STUDIES = {
    "digits": ({"train": 150, "validation": 1_287}, {"batch_size": 10, "epochs": 20}, (200, 500)),
    "cifar10": ({"train": 5_000, "validation": 10_000}, {"batch_size": 50, "epochs": 12}, (500, 5_000)),
}
"""The samples, the training, and the sizes of the validation sets that are drawn."""

STUDY = """\
name = "judged"
seed = 7

[data]
dataset = "{name}"
{data}

[objective]
evidence = 1_000

[model]
file = "{model}"
hidden = [20]

[training]
{training}

[[stage]]
name = "search"
sampler = {{ kind = "random", trials = 40 }}
replicates = {seeds}
space.eta = {{ low = 1e-4, high = 0.5, log = true }}
"""

COLUMNS = {
    "highest − truth": None,
    "corrected − truth": Goal("within 0.3 pp", -0.003, 0.003),
    "its interval holds": Goal("93–97%", 0.93, 0.97),
    "with any seed − truth": Goal("within 0.3 pp", -0.003, 0.003),
    "its interval holds ": Goal("93–97%", 0.93, 0.97),
    "the best is “worse”": Goal("≤ 5%", 0, 0.05),
    "interval of a configuration": Goal("93–97%", 0.93, 0.97),
    "20 pp worse is “worse”": Goal("≥ 99%", 0.99, 1),
    "P(best), said": None,
    "P(best), true": None,
}
_POINTS = ("highest − truth", "corrected − truth", "with any seed − truth")


@dataclass(frozen=True)
class Trained:
    """Which samples each network classifies correctly after each epoch: (configurations, seeds, epochs, samples)."""

    right: NDArray[np.bool_]


def main() -> None:
    """Train what is not there, and print a row for each size of the validation set, `keep` and number of seeds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("study", choices=[*STUDIES])
    parser.add_argument("--storage", help="the database, which is made if it is not there")
    parser.add_argument("--parts", type=int, default=100, help="how often a validation set is drawn")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    trained = read(options.storage or f"sqlite:///judged-{options.study}.db", options.study)
    shape = trained.right.shape
    print(f"{options.study}: {shape[0]} configurations × {shape[1]} seeds × {shape[2]} epochs × {shape[3]:,} samples\n")
    print("| n | `keep` | R | " + " | ".join(COLUMNS) + " |\n|---:|---|---:|" + "---:|" * len(COLUMNS))
    goals = [each.text if each else "" for each in COLUMNS.values()]
    print("| goal | | | " + " | ".join(goals) + " |")
    for size in STUDIES[options.study][2]:
        for keep in ("best", "last"):
            for seeds in (1, 2, 3, 5):
                key = (options.seed, size, seeds, keep == "best")
                randoms = (np.random.default_rng([*key, part]) for part in range(options.parts))
                rows = [judged(Drawn.of(trained, size, keep, seeds, each), keep) for each in randoms]
                print(f"| {size:,} | {keep} | {seeds} | " + " | ".join(_cells(np.array(rows))) + " |", flush=True)


def read(url: str, name: str) -> Trained:
    """Return the stored networks; those of configurations of which a seed diverged are left out."""
    file = Path(sqlalchemy.make_url(url).database or "")
    if not file.exists():
        _launch(url, name)
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        study = connection.execute(sqlalchemy.text("select name from hpsearch_studies")).scalar_one()
    frames = load_frames(engine, study)
    groups: dict[str, list[Record]] = {}
    for trial in frames.by_stage["search"]:
        groups.setdefault(str(trial["params"]), []).append(trial)
    whole = [each for each in groups.values() if len(each) == SEEDS and all(t["state"] == "complete" for t in each)]
    found = []
    for trials in whole:
        stored = frames.correct_by_epoch([trial["id"] for trial in trials])
        samples = next(frames.correct(trial["id"]) for trial in trials).size  # type: ignore[union-attr]
        found.append([np.unpackbits(stored[t["id"]][1], axis=1, count=samples).astype(bool) for t in trials])
    return Trained(np.array(found))


def _launch(url: str, name: str) -> None:
    data, training, _ = STUDIES[name]
    model = Path(__file__).parents[1] / "models" / "mlp.py"
    written = STUDY.format(
        name=name,
        data="\n".join(f"{key} = {value}" for key, value in data.items()),
        training="\n".join(f"{key} = {value}" for key, value in training.items()),
        model=model,
        seeds=SEEDS,
    )
    file = Path(f"judged-{name}.toml")
    file.write_text(written)
    command = [sys.executable, "-m", "hpsearch", "launch", str(file), "--storage", url]
    if subprocess.run(command, check=False).returncode not in (0, 1):  # 1: some seeds diverged
        sys.exit(f"{' '.join(command)} failed")


@dataclass(frozen=True)
class Drawn:
    """One validation set, and the truth by the other samples: of each network, its mean over the seeds drawn or not.

    `here` is (configurations, seeds, epochs, samples), `at` the epochs chosen. A truth has its variance beside it.
    """

    here: NDArray[np.bool_]
    at: NDArray[np.intp]
    networks: NDArray[np.float64]
    networks_error: NDArray[np.float64]
    worth: NDArray[np.float64]
    worth_error: NDArray[np.float64]
    easier: float  # by so much these samples are easier than the others, at all epochs alike: no selection bias

    @classmethod
    def of(cls, trained: Trained, size: int, keep: str, seeds: int, random: np.random.Generator) -> "Drawn":
        """Draw it; each configuration has other seeds."""
        k, every, epochs, samples = trained.right.shape
        drawn = random.permutation(samples)
        right = np.stack([each[random.permutation(every)] for each in trained.right])
        here = right[..., drawn[:size]]
        at = here.mean(axis=3).argmax(axis=2) if keep == "best" else np.full((k, every), epochs - 1)
        others = right[..., drawn[size:]]
        easier = float(here[:, :seeds].mean() - others[:, :seeds].mean())
        left = np.take_along_axis(others, at[:, :, None, None], axis=2)[:, :, 0]
        means = (left[:, :seeds].mean(axis=1), left[:, seeds:].mean(axis=1))
        networks, worth = ((mean.mean(axis=1), mean.var(axis=1) / mean.shape[1]) for mean in means)
        spread = left[:, seeds:].mean(axis=2).var(axis=1, ddof=1) / (every - seeds)
        return cls(here[:, :seeds], at[:, :seeds], *networks, worth[0], worth[1] + spread, easier)


def judged(drawn: Drawn, keep: str) -> list[float]:
    """Judge one validation set: the columns of `COLUMNS`."""
    here, seeds, size = drawn.here, drawn.here.shape[1], drawn.here.shape[3]
    rights = np.take_along_axis(here, drawn.at[:, :, None, None], axis=2)[:, :, 0]
    means = rights.mean(axis=(1, 2))
    order = np.argsort(-means, kind="stable")
    first = order[0]
    epochs = slice(None) if keep == "best" else slice(-1, None)
    said = correct_selection_bias([[Run.of(e) for e in here[i][:, epochs]] for i in order], size, resamples=300)
    assert said is not None
    known = SeedVariance.pooled([list(each) for each in rights]) if seeds > 1 else None
    shrunken, _, any_seed = shrunken_and_worth(said, seeds, known)
    best = float(shrunken.best[0])
    easier, network = drawn.easier, drawn.networks[first]
    row = [said.raw - network - easier, said.corrected - network - easier]
    row += [_holds((said.low, said.high), network, drawn.networks_error[first])]
    if any_seed:
        row += [any_seed.score - drawn.worth[first] - easier]
        row += [_holds((any_seed.low, any_seed.high), drawn.worth[first], drawn.worth_error[first])]
    else:
        row += [math.nan, math.nan]
    truth, error = (drawn.networks, drawn.networks_error) if seeds == 1 else (drawn.worth, drawn.worth_error)
    truth, error = truth[order], error[order]
    runs = tuple(Runs(tuple(rights[i].mean(axis=1).tolist()), tuple(rights[i])) for i in order)
    evidence, compared = compare(Evidence(runs, size))
    worse = np.array([each is not None and each.worse for each in compared])
    best_true = truth == truth.max()
    far = truth < truth.max() - 0.2
    intervals = [(index, found) for index in range(len(runs)) if (found := evidence.interval(index))]
    return [
        *row,
        float(worse[best_true].all()),
        float(np.mean([_holds(found, truth[index], error[index]) for index, found in intervals])),
        float(worse[far].mean()) if far.any() else math.nan,
        best,
        float(best_true[0]) / best_true.sum(),
    ]


def _holds(interval: tuple[float, float], truth: float, variance: float) -> float:
    """Return whether an interval holds the truth, after it is widened by the truth's own variance."""
    low, high = interval
    half = math.hypot((high - low) / 2, 1.96 * math.sqrt(variance))
    return float(abs(truth - (low + high) / 2) <= half)


def _cells(rows: NDArray[np.float64]) -> list[str]:
    found = []
    for name, column in zip(COLUMNS, rows.T, strict=True):
        known = column[~np.isnan(column)]
        if not known.size:
            found.append("–")
        elif name in _POINTS:
            found.append(f"{100 * known.mean():+.2f} ({100 * known.std(ddof=1) / math.sqrt(known.size):.2f})")
        else:
            found.append(share(known))
    return found


if __name__ == "__main__":
    main()
