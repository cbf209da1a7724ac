"""Checks that a function meets the requirements of a study, one finding per check. May import spec and segments.

It is called in segments, as in a study: what passes here is the same there with any workers and after any stop.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from hpsearch.spec import Configuration
from hpsearch.workers.conformance import EPOCHS, FailedCheckError, Finding, findings, refuse, separately
from hpsearch.workers.models.functions import is_here
from hpsearch.workers.models.plugin import Plugin
from hpsearch.workers.segments.measures import Measures
from hpsearch.workers.segments.results import CURVE, TaskResult
from hpsearch.workers.segments.run import run_segment
from hpsearch.workers.segments.segment import Segment, Task

_RANDOM_NUMBERS = "draw all random numbers from the seed that it gets; keep no state between calls"
_REMEDIES = {
    "returns numbers": "",
    "reproducible": _RANDOM_NUMBERS,
    "reproducible in another process": f"{_RANDOM_NUMBERS}; do not depend on hash order, time or the number of threads",
    "same after a rung": "a step must not depend on how many steps are asked for",
    "seeds differ": "",
}


def function_conformance(
    plugin: Plugin, split: Path, configuration: Configuration, measures: Measures, seed: int = 0
) -> Iterator[Finding]:
    """Run each check; a function that returns no numbers is checked no further."""
    checks = _FunctionChecks(plugin, split, configuration, measures, seed)
    yield from findings(plugin, checks.by_name(), _REMEDIES, ("returns numbers",))
    if checks.reference:
        yield Finding("time", True, f"{checks.seconds:.3g} s a call{checks.of_steps}")


class _FunctionChecks:
    """What the checks of one function share."""

    def __init__(
        self, plugin: Plugin, split: Path, configuration: Configuration, measures: Measures, seed: int
    ) -> None:
        self.plugin, self.split, self.configuration, self.measures = plugin, split, configuration, measures
        self.is_here = is_here(str(plugin.path))  # so that no other process can call it
        self.seed, self.all_steps = seed, configuration.training.epochs or 1
        self.steps = self.taken = min(EPOCHS, self.all_steps)  # asked for; taken, by one that ends early
        self.reference: TaskResult | None = None
        self.separate: TaskResult | None = None
        self.why_not_separate, self.seconds = "", 0.0

    @property
    def of_steps(self) -> str:
        """Of how many steps a call was, where it is of several."""
        return f" of {self.taken} steps" if self.taken > 1 else ""

    def by_name(self) -> dict[str, Callable[[], str]]:
        """The checks, in order."""
        return {
            "returns numbers": self._returns,
            "reproducible": self._reproducible,
            **({} if self.is_here else {"reproducible in another process": self._another_process}),
            **({"same after a rung": self._after_rungs} if self.all_steps > 1 else {}),
            "seeds differ": self._seeds,
        }

    def _call(self, segment: Segment) -> TaskResult:
        result = run_segment(segment)
        self.seconds = result.seconds
        return result.tasks[0]

    def _segment(self, first: int = 1, last: int = 0, point: int = 0) -> Segment:
        last = last or self.steps
        return Segment(
            tasks=(Task(point, self.configuration, ("check", point)),),
            split=self.split,
            model=self.plugin.path,
            model_hash=self.plugin.hash,
            seed=self.seed,
            replicate=0,
            measures=self.measures,
            first=first,
            last=last,
            ends=last == self.all_steps,
            function=True,
        )

    def _returns(self) -> str:
        if not self.is_here:
            self.separate, self.why_not_separate = separately(self._segment())
        result = self._call(self._segment())
        if result.failed:
            step, reason = result.failed
            raise FailedCheckError(f"in step {step}: {reason}" if self.all_steps > 1 else reason)
        self.reference, name = result, self.measures.objective.name
        values = [row[CURVE.index("value")] for row in result.curve]
        self.taken = len(values)
        if len(values) == 1:
            return f"{name} {values[0]:.6g}"
        length = f"; {result.stopped}" if result.stopped else f" in {len(values)} of {self.all_steps} steps"
        return f"{name} {values[0]:.6g} → {values[-1]:.6g}{length}"

    def _reproducible(self) -> str:
        run_segment(self._segment(point=1))  # another trial before it must make no difference
        refuse("called again", _facts(self.reference), _facts(self._call(self._segment())))
        return "bit for bit, after another trial"

    def _another_process(self) -> str:
        if self.separate is None:
            raise FailedCheckError(f"it can be called here, but not in another process: {self.why_not_separate}")
        refuse("called in another process", _facts(self.reference), _facts(self.separate))
        return "bit for bit"

    def _after_rungs(self) -> str:
        for cuts in [1], [*range(1, self.taken)]:
            found: dict[str, Any] = {}
            for before, last in pairwise([0, *cuts, self.steps]):
                found |= _facts(self._call(self._segment(before + 1, last)))
            number = "one rung" if len(cuts) == 1 else f"{len(cuts)} rungs"
            refuse(f"called again after {number}", _facts(self.reference), found)
        return "bit for bit, as without a rung"

    def _seeds(self) -> str:
        other = run_segment(replace(self._segment(), seed=self.seed + 1)).tasks[0]
        if _facts(other) == _facts(self.reference):
            return "no: it is deterministic, and replicates would be equal"
        return "another seed gives other values"


def _facts(result: TaskResult | None) -> dict[str, float]:
    """All that is recorded of a call, by name."""
    assert result is not None
    found = {f"value of step {row[0]:.0f}": row[CURVE.index("value")] for row in result.curve}
    return found | {f"{row['metric']} of step {row['epoch']}": row["validation"] for row in result.metrics}
