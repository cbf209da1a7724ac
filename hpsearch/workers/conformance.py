"""Checks that a model file meets the requirements of a study, one finding per check. May import nn, data and spec.

Models are trained in segments, as in a study: what passes here resumes with the same bits there.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from threadpoolctl import threadpool_limits

from hpsearch.data import Split, open_split
from hpsearch.errors import HpsearchError
from hpsearch.metrics import Metric
from hpsearch.metrics import parse as parse_metric
from hpsearch.nn.gradcheck import ParameterCheck
from hpsearch.spec import Configuration
from hpsearch.workers.differences import difference, facts
from hpsearch.workers.models.built_layers import size
from hpsearch.workers.models.checked_trainable import CheckedTrainable, common_seed, make, seed_of
from hpsearch.workers.models.gradients import TOLERANCE, gradients
from hpsearch.workers.models.npz import unpack
from hpsearch.workers.models.plugin import Plugin
from hpsearch.workers.models.predictions import ANY
from hpsearch.workers.pools import WorkerDied
from hpsearch.workers.pools.loky import LokyPool
from hpsearch.workers.segments.cohort import Cohort
from hpsearch.workers.segments.failures import TrainingError
from hpsearch.workers.segments.measures import Measures
from hpsearch.workers.segments.module import exactly
from hpsearch.workers.segments.results import CURVE, TaskResult
from hpsearch.workers.segments.run import run_segment
from hpsearch.workers.segments.segment import Segment, Task
from hpsearch.workers.segments.stepwise import Stepwise
from hpsearch.workers.segments.trainable import data_of

EPOCHS = 4
RMSE, LOG_LOSS = (cast(Metric, parse_metric(name)) for name in ("rmse", "log_loss"))

_RANDOM_NUMBERS = "draw all random numbers from the seed and the epoch; keep no state outside of the trainable"
_REMEDIES = {
    "builds": "",
    "gradients": "compare `backward` with its formula: `hpsearch gradcheck` shows every parameter",
    "trains": "",
    "evaluation has no side effects": "evaluate must not train, change the random numbers of training, or keep state",
    "save and restore": "save everything that the next epoch depends on (the optimiser's state too); restore all of it",
    "reproducible": _RANDOM_NUMBERS,
    "reproducible in another process": f"{_RANDOM_NUMBERS}; do not depend on hash order, time or the number of threads",
    "resumes after each epoch": "an epoch must depend on the saved state and the epoch's number alone",
    "same in a cohort": "compute each trial by itself: sum over samples, never over trials",
    "seeds differ": "",
}
"""What to do where a check fails."""


@dataclass(frozen=True)
class Finding:
    """The result of one check: whether it passes, what was found, and what to do if it fails."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


class FailedCheckError(Exception):
    """A check failed; `str(error)` says why."""


def conformance(plugin: Plugin, split: Path, configuration: Configuration, seed: int = 0) -> Iterator[Finding]:
    """Run each check on a prepared split; a model that cannot train is checked no further."""
    checks = _Checks(plugin, split, configuration, seed)
    yield from findings(plugin, checks.by_name(), _REMEDIES, ("builds", "trains"))
    if checks.reference:
        seconds = f"{checks.seconds / checks.epochs:.3g} s per epoch of {checks.split.samples:,} samples"
        yield Finding("time", True, f"{seconds}, with its evaluation")


def findings(
    plugin: Plugin, checks: Mapping[str, Callable[[], str]], remedies: Mapping[str, str], needed: Sequence[str]
) -> Iterator[Finding]:
    """Run checks by their names; where one that is needed fails there are no further ones."""
    for name, check in checks.items():
        try:
            with threadpool_limits(1), exactly(plugin):  # as in a worker: with more threads the last bits differ
                found = check()
            yield Finding(name, True, found)
        except (FailedCheckError, HpsearchError, TrainingError) as error:
            yield Finding(name, False, str(error), remedies[name])
            if name in needed:
                return


def separately(segment: Segment) -> tuple[TaskResult | None, str]:
    """Run a segment in a process of its own: its result, or why it has none.

    Raises FailedCheckError where the process ended: it must not end the check without a message.
    """
    with closing(LokyPool(1)) as pool:
        try:
            return pool.submit(run_segment, segment).result().tasks[0], ""
        except (HpsearchError, TrainingError) as error:  # later checks report it, unless it happens there only
            return None, str(error)
        except WorkerDied:
            rule = "a model must not end its process (os._exit, a crash of compiled code, out of memory)"
            raise FailedCheckError(f"the process that trained it ended during the training; {rule}") from None


class _Checks:
    """What the checks of one model file share."""

    def __init__(self, plugin: Plugin, split: Path, configuration: Configuration, seed: int) -> None:
        self.plugin, self.path, self.configuration, self.seed = plugin, split, configuration, seed
        self.split: Split = open_split(split)
        self.reference: TaskResult | None = None
        self.measures = Measures(RMSE) if self.split.targets else Measures(ANY)
        self.seconds = 0.0
        self.epochs = configuration.training.epochs or EPOCHS
        self.separate: TaskResult | None = None
        self.why_not_separate = ""

    def by_name(self) -> dict[str, Callable[[], str]]:
        """The checks of a model of its kind, in order."""
        layers = self.plugin.kind == "layers"
        own = {"same in a cohort": self._cohort} if layers else {"save and restore": self._restores}
        return {
            "builds": self._builds,
            **({"gradients": self._gradients} if layers else {}),
            "trains": self._trains,
            **({} if layers else {"evaluation has no side effects": self._evaluates}),
            **own,
            "reproducible": self._reproducible,
            "reproducible in another process": self._another_process,
            "resumes after each epoch": self._resumes,
            "seeds differ": self._seeds,
        }

    def _segment(self, *tasks: Task) -> Segment:
        return Segment(
            tasks=tasks or (self._task(0),),
            split=self.path,
            model=self.plugin.path,
            model_hash=self.plugin.hash,
            seed=self.seed,
            replicate=0,
            measures=self.measures,
            first=1,
            last=self.epochs,
            ends=True,
            test=True,
        )

    def _task(self, point: int, configuration: Configuration | None = None) -> Task:
        return Task(point, configuration or self.configuration, ("check", point))

    def _run(self, segment: Segment) -> TaskResult:
        result = run_segment(segment)
        self.seconds = result.seconds
        return result.tasks[0]

    def _alone(self) -> CheckedTrainable | Stepwise:
        if self.plugin.kind == "module":
            return Stepwise(Cohort(self._segment(), self.split, self.plugin))
        data = data_of(self.split, common_seed(self.seed, 0))
        return make(self.plugin, data, seed_of(self.seed, ("check", 0), 0), self.configuration)

    # The checks

    def _builds(self) -> str:
        self._train_separately()
        if self.plugin.kind == "layers":
            outputs = len(self.split.classes) or len(self.split.targets)
            numbers, _ = size(self.plugin, self.split.train_x.shape[1], outputs, self.configuration.parameters)
            return f"layers with {numbers:,} parameters"
        trainable = self._alone()
        if isinstance(trainable, Stepwise):
            return f"a module of PyTorch with {trainable.network.size:,} parameters"
        kind = "an estimator" if self.plugin.way == "estimator" else "a trainable"
        if self.split.targets or not trainable.gives("probabilities"):
            return kind
        self.measures = replace(self.measures, also=(LOG_LOSS,))  # so that they are asked for
        self._train_separately()  # with them, to be compared
        return f"{kind} that gives probabilities"

    def _train_separately(self) -> None:
        """Train in a separate process first: it may end that."""
        self.separate, self.why_not_separate = separately(self._segment())

    def _gradients(self) -> str:
        found = gradients(self.plugin, self.configuration.parameters)
        worst: ParameterCheck = max(
            found, key=lambda check: (check.relative_error != check.relative_error, check.relative_error)
        )
        text = f"relative error at most {worst.relative_error:.1e}, in {worst.name}"
        if not worst.relative_error <= TOLERANCE:
            raise FailedCheckError(f"{text}; must be at most {TOLERANCE:g}")
        return text

    def _trains(self) -> str:
        result = self._run(self._segment())
        if result.failed:
            raise FailedCheckError(f"{result.failed[1]}; try another --set eta=…")
        self.reference = result
        loss, accuracy, value = (CURVE.index(name) for name in ("validation_loss", "validation_accuracy", "value"))
        first, last = result.curve[0], result.curve[-1]
        reached = f", rmse {last[value]:.4g}" if self.split.targets else ""
        reached = reached if math.isnan(last[accuracy]) else f", accuracy {last[accuracy]:.1%}"
        if self.epochs == 1:
            return f"validation loss {last[loss]:.3g}{reached} after one epoch"
        return f"validation loss {first[loss]:.3g} → {last[loss]:.3g}{reached} after {self.epochs} epochs"

    def _evaluates(self) -> str:
        one, other = self._alone(), self._alone()
        for epoch in range(1, self.epochs + 1):
            one.train(epoch)
            other.train(epoch)
            before = other.save()
            x, y, metrics = self.split.validation_x, self.split.validation_y, self.measures.metrics
            found = [other.evaluate(x, y, metrics) for _ in range(2)]
            refuse("after evaluate", unpack(before), unpack(other.save()))
            refuse("evaluated twice", *({"loss": each.loss, "predicted": each.predicted} for each in found))
        refuse("trained with and without evaluate", unpack(one.save()), unpack(other.save()))
        return "the saved state and the later epochs are unchanged"

    def _restores(self) -> str:
        first = self._alone()
        first.train(1)
        saved = first.save()
        second = self._alone()
        second.restore(saved)
        refuse("saved again after restore", unpack(saved), unpack(second.save()))
        x, y, metrics = self.split.validation_x, self.split.validation_y, self.measures.metrics
        found = [each.evaluate(x, y, metrics).predicted for each in (first, second)]
        refuse("evaluated after restore", *({"predicted": each} for each in found))
        for trained in (first, second) if self.epochs > 1 else ():
            trained.train(2)
        refuse("trained on after restore", unpack(first.save()), unpack(second.save()))
        arrays = unpack(saved)
        return f"{', '.join(list(arrays)[:5])}{', …' * (len(arrays) > 5)}: {len(saved):,} bytes, exact"

    def _reproducible(self) -> str:
        run_segment(self._segment(self._task(1)))  # another trial before it must make no difference
        _same("trained again", self.reference, self._run(self._segment()))
        return "bit for bit, after another trial"

    def _another_process(self) -> str:
        if self.separate is None:
            raise FailedCheckError(f"it trains here, but not in another process: {self.why_not_separate}")
        _same("trained in another process", self.reference, self.separate)
        return "bit for bit"

    def _resumes(self) -> str:
        for cuts in ([1], [*range(1, self.epochs)]) if self.epochs > 1 else ():
            _same(f"resumed after {_epochs(cuts)}", self.reference, self._in_parts(cuts))
        return "bit for bit, as without interruption" if self.epochs > 1 else "its only epoch cannot be interrupted"

    def _in_parts(self, cuts: list[int]) -> TaskResult:
        task, curve = self._task(0), []
        for before, last in pairwise([0, *cuts, self.epochs]):
            ends = last == self.epochs
            part = replace(self._segment(task), first=before + 1, last=last, ends=ends, test=ends)
            found = run_segment(part).tasks[0]
            curve += found.curve
            assert found.best is not None  # the last epoch's, as keep = "last" says
            task = replace(task, state=found.state, best=found.best.value, best_weights=found.best.weights)
        return replace(found, curve=curve)

    def _cohort(self) -> str:
        training = self.configuration.training
        others = [training.model_copy(update={"lambda_": 10 * training.lambda_ + k / 1000}) for k in (1, 2)]
        tasks = [self._task(k + 1, replace(self.configuration, training=other)) for k, other in enumerate(others)]
        for index in range(3):
            cohort = [*tasks[:index], self._task(0), *tasks[index:]]
            found = run_segment(self._segment(*cohort)).tasks[index]
            _same(f"trained as number {index + 1} of 3", self.reference, found)
        return "alone and in cohorts of 3, bit for bit"

    def _seeds(self) -> str:
        other = run_segment(replace(self._segment(), seed=self.seed + 1)).tasks[0]
        same = difference(facts(self.reference), facts(other)) is None if self.reference else False
        return "no: replicates will be equal, and show no variation" if same else "another seed gives other results"


def _epochs(cuts: list[int]) -> str:
    return f"epoch {cuts[0]}" if len(cuts) == 1 else f"epochs {', '.join(map(str, cuts))}"


def _same(what: str, before: TaskResult | None, now: TaskResult) -> None:
    assert before is not None
    refuse(what, facts(before), facts(now))


def refuse(what: str, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise FailedCheckError where two results, by name, are not equal bit for bit."""
    if found := difference(before, now):
        raise FailedCheckError(f"{what}, {found}")
