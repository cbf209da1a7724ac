"""Do the report's claims hold? Simulates searches whose truth is known and prints how often each claim errs.

    python benchmarks/judgement.py [--claim comparison] [--cells 150] [--tables 100] [--seed 1] [--full]

A claim is a function of `CLAIMS`: it yields the lines of Markdown tables, of which the first has a row for each claim:
its goal, what was measured with the standard error, and whether it is met. Without `--full` kinds of searches are drawn
at random over all properties; with it the comparison runs over the whole grid of issue 12, which takes days, and with
`--grid` over a small part of it. judgement_real.py asks the same of real networks.
"""

import argparse
import time
from collections.abc import Callable, Iterator

import judgement_comparison
import judgement_metrics
import judgement_selection
from judgement_searches import SHAPES

CLAIMS: dict[str, Callable[[argparse.Namespace], Iterator[str]]] = {
    "comparison": judgement_comparison.comparison,
    "one seed": judgement_comparison.one_seed,
    "power": judgement_comparison.power,
    **judgement_selection.CLAIMS,
    "other metrics": judgement_metrics.table,
    "corrected score of other metrics": judgement_metrics.selected,
}


def main() -> None:
    """Print the tables of the claims that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--claim", choices=[*CLAIMS], action="append", help="only this one; may be repeated")
    parser.add_argument("--cells", type=int, default=150, help="so many kinds of searches are drawn")
    parser.add_argument("--tables", type=int, default=100, help="simulated searches of each kind, fewer of large ones")
    parser.add_argument("--full", action="store_true", help="all kinds of searches of issue 12")
    parser.add_argument("--grid", action="store_true", help="a part of that grid")
    parser.add_argument("--shape", choices=[*SHAPES], help="of the grid only searches with such true accuracies")
    parser.add_argument("--details", action="store_true", help="print every kind of search")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for name in options.claim or CLAIMS:
        began = time.process_time()
        print(f"\n### {name}\n")
        for line in CLAIMS[name](options):
            print(line, flush=True)
        print(f"\nseed {options.seed}, {time.process_time() - began:.0f} s of processor time")


if __name__ == "__main__":
    main()
