"""The time, memory and size of a report of many trials: `python benchmarks/report.py 1000 100`.

Arguments: trials, epochs; `--keep FILE` keeps the database, or uses it again. May import the builders of the tests.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests" / "reporting")]

import made_large  # noqa: E402
import made_study  # noqa: E402
import sqlalchemy  # noqa: E402

from hpsearch.reporting import write_report  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trials", type=int, nargs="?", default=1_000)
    parser.add_argument("epochs", type=int, nargs="?", default=100)
    parser.add_argument("--keep", type=Path, metavar="FILE")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.keep or Path(folder) / "large.db"
        if not path.exists():
            made = made_study.make_engine(path.parent)
            made_large.make_large(made, given.trials, given.epochs)
            (path.parent / "made.db").rename(path)
        engine = sqlalchemy.create_engine(f"sqlite:///{path}", poolclass=sqlalchemy.NullPool)
        before = time.perf_counter()
        page = write_report(engine, "large", Path(folder) / "reports")
        seconds = time.perf_counter() - before
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        size = page.stat().st_size / 1e6
    print(f"{given.trials:,} trials x {given.epochs} epochs: {seconds:.1f} s, {memory:,.0f} MB, HTML {size:.2f} MB")


if __name__ == "__main__":
    main()
