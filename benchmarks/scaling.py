"""The limits of a search over many machines: the coordinator, the database, and the memory of a trial.

    python benchmarks/scaling.py [--trials 2000] [--workers 1] [URL …]

Runs a study of tiny trials, and one of trials of 3072-50-10 (0.6 MB of weights each), in a SQLite file and in the
databases of the URLs, which must not have studies of these names; the studies are deleted again. From the measurements
it computes what 1,000 workers and 1,000,000 trials would need. With one worker on two cores, the coordinator and the
database wait only for each other. Linux only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 3.0
"""The target length of a segment in `search/stages/cohorts.py`."""
WORKERS, TRIALS = 1_000, 1_000_000

STUDIES = {
    "tiny": """\
name = "scaling tiny"
data = {{ dataset = "digits", train = 64, validation = 64 }}
model = {{ file = "models/softmax.py" }}
training = {{ epochs = 2, eta = 0.1, batch_size = 64 }}
[[stage]]
name = "only"
sampler = {{ kind = "random", trials = {trials} }}
space.lambda = {{ low = 1e-6, high = 1e-1, log = true }}
""",
    "wide": """\
name = "scaling wide"
data = {{ dataset = "digits", train = 64, validation = 64 }}
model = {{ file = "models/mlp.py", hidden = [2048] }}
training = {{ epochs = 4, eta = 0.01, batch_size = 64 }}
[[stage]]
name = "only"
sampler = {{ kind = "random", trials = {trials} }}
space.lambda = {{ low = 1e-6, high = 1e-1, log = true }}
""",
}
"""The wide one has 2048 hidden units on the digits: as many parameters as 3072-50-10 has, 0.6 MB."""

RUN = """\
import contextlib, json, resource, sys, time
from pathlib import Path
from hpsearch.search.delete import delete
from hpsearch.search.launch import launch
from hpsearch.search.options import Options
from hpsearch.search.stages import cohorts
from hpsearch.search.stages import run as stage_run
from hpsearch.storage.database import Database

cohorts.SEGMENT_SECONDS = 0.0  # one epoch per segment, each from the state of the one before
counts = {"segments": 0, "transactions": 0, "seconds": 0.0}
transaction, take = Database.transaction, stage_run.StageRun._take

@contextlib.contextmanager
def timed(self):
    began = time.perf_counter()
    with transaction(self) as connection:
        yield connection
    counts["transactions"] += 1
    counts["seconds"] += time.perf_counter() - began

def counted(self, finished):
    counts["segments"] += len(finished)
    take(self, finished)

Database.transaction, stage_run.StageRun._take = timed, counted
if __name__ == "__main__":
    file, storage, workers = sys.argv[1:]
    began, cpu = time.perf_counter(), time.process_time()
    name, _ = launch(Path(file), Options(storage, int(workers)))
    counts |= {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    counts["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    delete(name, storage)
    print(json.dumps(counts))
"""


def run(folder: Path, study: str, trials: int, url: str, workers: int) -> dict[str, float]:
    """Run a study of this many trials; return the counts."""
    (folder / "study.toml").write_text(STUDIES[study].format(trials=trials))
    (folder / "run.py").write_text(RUN)
    command = [sys.executable, str(folder / "run.py"), str(folder / "study.toml"), url, str(workers)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    out = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True, env=environment).stdout
    found: dict[str, float] = json.loads(out)
    return found


def measure(folder: Path, urls: Sequence[str], trials: int, workers: int) -> None:
    """Print what a segment costs on each database, and the limits that follow."""
    for url in urls:
        print(f"\n{url.partition('://')[0]}, {workers} workers")
        for study, many in (("tiny", trials), ("wide", max(trials // 10, 50))):
            few, found = run(folder, study, many // 10, url, workers), run(folder, study, many, url, workers)
            new = {key: found[key] - few[key] for key in found}  # without start and end
            per_segment = 1000 * new["cpu"] / new["segments"]
            waiting = 1000 * new["seconds"] / new["segments"]
            print(f"  {study}: {many:,} trials in {found['segments']:,.0f} segments, {found['wall']:.1f} s")
            print(f"    {per_segment:.2f} ms of the coordinator's processor a segment")
            print(
                f"    {waiting:.2f} ms in the database a segment, {new['transactions'] / new['segments']:.1f}"
                f" transactions; {new['transactions'] / new['seconds']:,.0f} transactions a second"
            )
            print(f"    {new['memory'] / (0.9 * many) / 1000:.1f} KB of the coordinator's memory a trial")
            print_limits(max(per_segment, waiting), new["memory"] / (0.9 * many), found["segments"] / many)


def print_limits(milliseconds: float, memory: float, segments: float) -> None:
    """Print the limits for many workers and trials that follow from these figures."""
    most = 1000 * SECONDS / milliseconds
    need = WORKERS * milliseconds / 1000
    print(f"    → {most:,.0f} workers with segments of {SECONDS:.0f} s; {WORKERS:,} need segments of {need:.1f} s")
    hours = TRIALS * segments * milliseconds / 3.6e6
    print(
        f"    → {TRIALS:,} trials: {hours:.1f} h of the coordinator at least, "
        f"{TRIALS * memory / 1e9:.1f} GB of its memory"
    )


def main() -> None:
    """Measure on each database."""
    arguments = argparse.ArgumentParser(description="The limits of a search over many machines.")
    arguments.add_argument("urls", nargs="*", metavar="URL")
    arguments.add_argument("--trials", type=int, default=2_000)
    arguments.add_argument("--workers", type=int, default=1)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), [f"sqlite:///{folder}/scaling.db", *given.urls], given.trials, given.workers)


if __name__ == "__main__":
    main()
