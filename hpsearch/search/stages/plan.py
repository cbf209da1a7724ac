"""A stage's plan: its next step, as a function of its committed trials alone.

Which configurations are sampled next, how far each trial may train, which are pruned, whether and why the stage is
over: all of it follows from the trials' configurations and curves, in whatever order they were trained. Only the budget
of minutes depends on time. A run that was killed continues with the same decisions. May import spec and storage.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from hpsearch.nn.random import generator
from hpsearch.search.pruners.pruner import RungDecision
from hpsearch.search.pruners.rungs import Curve, Rungs
from hpsearch.search.ranking import means, rank
from hpsearch.search.samplers.points import Point
from hpsearch.search.samplers.sampler import Sampler
from hpsearch.search.samplers.untried import NothingLeftError
from hpsearch.search.stages.budgets import Ledger
from hpsearch.search.stages.confirmation import Replicates, next_round
from hpsearch.search.stages.goal import goal_of
from hpsearch.search.stages.step import Step
from hpsearch.spec import Budget, Final, Pruner, Stage, Study, length_of, replicates_of, resolve
from hpsearch.storage.records import COMPLETE, FAILED, PRUNED, RUNNING, WAITING, Decision, NewTrial, Params, TrialRow

OUT_OF_TIME = "the stage's budget of minutes ended"


@dataclass
class _Configuration:
    """A configuration of the stage with its trials: one for each replicate, and `further` ones that confirm it."""

    number: int
    params: Params
    epochs: int
    sampler_attributes: Mapping[str, Any] | None
    trials: list[int] = field(default_factory=list)
    further: list[int] = field(default_factory=list)


class StagePlan:
    """The plan of a running stage: it takes in every committed result, and says what comes next."""

    def __init__(
        self,
        study: Study,
        step: Stage | Final,
        name: str,
        sampler: Sampler,
        longest: int,
        batches: Sequence[int] = (),
        pruner: Pruner | None = None,  # the stage's, with the rungs that the launch chose
    ) -> None:
        """`longest`: epochs of the stage's longest training; `batches`: its configurations whenever it was extended."""
        self.study, self.step, self.name, self.sampler = study, step, name, sampler
        self.replicates = replicates_of(study, step)
        stage = step if isinstance(step, Stage) else None
        self.confirm = stage.confirm if stage else None
        self.budget = stage.budget if stage else Budget()
        self.pruner = pruner or (stage.pruner if stage else None)
        self.rungs = Rungs(self.pruner, longest, goal_of(study)) if self.pruner else None
        self.rows: dict[int, TrialRow] = {}
        self.ended: str | None = None
        self.expired = False
        self._grown = sorted(batches)
        self._batch = stage.batch_size_of_points if stage else None
        self._window = stage.window if stage else None
        self._configurations: list[_Configuration] = []
        self._ready: dict[int, None] = {}
        self._ledger = Ledger(self.budget, goal_of(study))
        self._observed = 0
        self._outcome: str | None = None

    # Results

    def restore(self, rows: Sequence[TrialRow], curves: Mapping[int, Curve]) -> None:
        """Take in the trials that are stored already, by number, with their curves where a pruner needs them."""
        for row in rows:
            self._add(row)
        for s in self._configurations:
            self.sampler.recall(Point(s.number, s.params, RUNNING, None, (), s.sampler_attributes))
        for row in rows:
            if self.rungs and row.replicate < self.replicates:
                self.rungs.follow(row, curves.get(row.id, ()))
        for configuration in self._configurations:  # with all curves known: a replicate may have failed beyond the rung
            self._report(configuration)
        self.expired = any(row.state == PRUNED and row.pruned_at is None for row in rows)  # or they would go on

    def added(self, rows: Sequence[TrialRow]) -> None:
        """The trials of the last step are stored, with these ids."""
        for row in rows:
            self._add(row)

    def update(self, row: TrialRow, curve: Curve = ()) -> None:
        """A trial's further epochs are stored."""
        self.rows[row.id] = row
        if self.rungs and row.replicate < self.replicates:
            self.rungs.follow(row, curve)
            self._report(self._configurations[row.point])

    def _add(self, row: TrialRow) -> None:
        if row.point == len(self._configurations):
            self._configurations.append(_Configuration(row.point, row.params, row.epochs, row.sampler_attributes))
            if self.rungs:
                self.rungs.add(self._pruning_batch(row.point), row.epochs)
        configuration = self._configurations[row.point]
        (configuration.trials if row.replicate < self.replicates else configuration.further).append(row.id)
        self.rows[row.id] = row
        if row.state in (WAITING, RUNNING) and row.epochs_done < self.limit(row):
            self._ready[row.id] = None

    # Rungs

    def _report(self, configuration: _Configuration) -> None:
        if self.rungs and len(configuration.trials) == self.replicates:
            self.rungs.report(configuration.number, [self.rows[trial_id] for trial_id in configuration.trials])

    def _decisions(self) -> list[Decision]:
        found: list[Decision] = []
        if self.rungs and self._configurations:
            all_sampled = self.ended is not None or len(self._configurations) == self.sampler.points
            last = self._pruning_batch(len(self._configurations) - 1)
            complete = all_sampled or self._pruning_batch(len(self._configurations)) > last
            self.rungs.close(last if complete else last - 1)
            while made := self.rungs.decisions():
                for decision in made:
                    found += self._apply(decision)
        return found

    def _apply(self, decision: RungDecision) -> list[Decision]:
        """What a pruner's decision means for the configuration's trials; those that may train on become ready."""
        configuration, rung = self._configurations[decision.candidate.number], decision.rung
        rows = [self.rows[trial_id] for trial_id in configuration.trials]
        unfinished = [row for row in rows if row.state in (WAITING, RUNNING)]
        found: list[Decision] = []
        if decision.reason is not None:
            audited = decision.candidate.scores[rung] is not None and self._is_audited(configuration.number)
            fresh = [row for row in unfinished if row.pruned_at is None]
            found = [Decision(row, rung, decision.reason, audited) for row in fresh]
            if not audited:
                return found
        self._ready.update(dict.fromkeys(row.id for row in unfinished if row.epochs_done < self.limit(row)))
        self._report(configuration)
        return found

    def _is_audited(self, number: int) -> bool:
        share = self.pruner.audit if self.pruner else 0.0
        return share > 0 and generator(self.study.seed, "audit", self.name, number).random() < share

    def limit(self, row: TrialRow) -> int:
        """The epoch that a trial may train to now."""
        rung = self.rungs.limit(row.point) if self.rungs and row.replicate < self.replicates else None
        return row.epochs if rung is None else rung

    # Configurations

    def _pruning_batch(self, number: int) -> int:
        """The batch in which the pruner compares a configuration; an extension of the stage begins a new one."""
        return bisect_right(self._grown, number) + (number // self._batch if self._batch else 0)

    def _seen(self, number: int) -> int:
        """How many of the first configurations the sampler knows when it chooses this one; all must be settled."""
        if self._window:
            return max(0, number - self._window + 1)
        return number // self._batch * self._batch if self._batch else 0

    def _settle(self) -> None:
        """Follow the configurations that are settled, in order."""
        while self._ledger.settled < len(self._configurations):
            configuration = self._configurations[self._ledger.settled]
            rows = [self.rows[trial_id] for trial_id in configuration.trials]
            if len(rows) < self.replicates or any(row.state in (WAITING, RUNNING) for row in rows):
                return
            self._ledger.settle(rows)

    def _sample(self, room: int) -> list[NewTrial]:
        """Sample further configurations, with at most about `room` trials."""
        found: list[NewTrial] = []
        number, planned = len(self._configurations), 0
        while number < self.sampler.points and len(found) < room and not (self.ended or self.expired):
            seen = self._seen(number)
            if seen > self._ledger.settled:
                break
            self.ended = self._ledger.over(seen)
            if self.ended:
                break
            self._tell(seen)
            try:
                params, attributes = self.sampler.ask(number)
            except NothingLeftError as nothing:
                self.ended = str(nothing)
                break
            configuration = resolve(self.study, self.step, params)
            length = length_of(self.study, self.step, configuration.training)
            running = sum(s.epochs for s in self._configurations[seen:]) * self.replicates if self.budget.epochs else 0
            self.ended = self._ledger.too_long(
                self._ledger.spent[seen].epochs + running + planned, length * self.replicates
            )
            if self.ended:
                break
            planned += length * self.replicates
            first, stored = len(self.rows) + len(found), configuration.to_json()
            found += [
                NewTrial(first + r, r, params, stored, length, number, attributes) for r in range(self.replicates)
            ]
            number += 1
        return found

    def _tell(self, seen: int) -> None:
        """Tell a sampler that learns the first configurations' outcomes, in order."""
        while self.sampler.learns and self._observed < seen:
            self.sampler.tell(self._point(self._configurations[self._observed]))
            self._observed += 1

    def _point(self, configuration: _Configuration) -> Point:
        rows = [self.rows[trial_id] for trial_id in configuration.trials]
        scores = [row.score for row in rows if row.score is not None]
        state = next((state for state in (FAILED, PRUNED) if any(row.state == state for row in rows)), COMPLETE)
        score = fmean(scores) if len(scores) == len(rows) else None
        rungs = self.rungs.values(configuration.number) if self.rungs else ()
        shown = configuration.number, configuration.params, state, score, rungs
        return Point(*shown, configuration.sampler_attributes, means(rows))

    # Budgets

    def expire(self) -> None:
        """The stage's time is over: unfinished trials are stopped, except for further replicates under way."""
        self.expired = True

    def _stopped(self) -> list[Decision]:
        base = (row for row in self.rows.values() if row.replicate < self.replicates)
        return [Decision(row, None, OUT_OF_TIME) for row in base if row.state in (WAITING, RUNNING)]

    # What comes next

    def next(self, room: int) -> Step:
        """What to store now; an empty step means that results are awaited, or that the stage is over."""
        decisions = self._decisions()
        if self.expired:
            decisions += [d for d in self._stopped() if d.trial.id not in {other.trial.id for other in decisions}]
        if decisions:
            return Step(decisions, ())
        self._settle()
        before = self.ended
        trials = self._sample(room)
        if self.ended != before and not trials:  # now the pruner's last batch is complete
            return self.next(room)
        if not trials and self._all_sampled and self._ledger.settled == len(self._configurations):
            trials = self._further_replicates()
        return Step((), trials)

    @property
    def _all_sampled(self) -> bool:
        return self.ended is not None or self.expired or len(self._configurations) == self.sampler.points

    def _further_replicates(self) -> list[NewTrial]:
        """The next round of further replicates, once all configurations are settled."""
        if self.confirm is None or any(r.state in (WAITING, RUNNING) for r in self.rows.values()):
            return []
        base = rank([row for row in self.rows.values() if row.replicate < self.replicates])
        ranked = [Replicates(s.point, self._values(self._configurations[s.point]), s.number) for s in base]
        todo = next_round(self.confirm, self.replicates, ranked)
        self._outcome = todo.outcome
        if self.expired and todo.numbers:
            return []
        cost = sum(self._configurations[number].epochs for number in todo.numbers)
        over = self._ledger.too_long(sum(row.epochs_done for row in self.rows.values()), cost)
        if over:
            self.ended = over
            return []
        return [self._further(len(self.rows) + i, n, todo.replicate) for i, n in enumerate(todo.numbers)]

    def _values(self, configuration: _Configuration) -> list[float | None]:
        rows = [self.rows[trial_id] for trial_id in (*configuration.trials, *configuration.further)]
        return [row.score if row.state == COMPLETE else None for row in sorted(rows, key=lambda row: row.replicate)]

    def _further(self, number: int, point: int, replicate: int) -> NewTrial:
        first = self.rows[self._configurations[point].trials[0]]
        return NewTrial(number, replicate, first.params, first.configuration, first.epochs, point)

    def take_ready(self) -> list[TrialRow]:
        """The trials that may train on, by number; each is returned once until it reaches its limit."""
        found = [self.rows[trial_id] for trial_id in self._ready]
        self._ready.clear()
        ready = (row for row in found if row.state in (WAITING, RUNNING) and row.epochs_done < self.limit(row))
        return sorted(ready, key=lambda row: row.number)

    @property
    def why_it_ended(self) -> str | None:
        """What ended the stage before it had as many as asked for, and how its best were confirmed; None if nothing."""
        over = self.ended or (self.sampler.fewer if len(self._configurations) == self.sampler.points else None)
        over = f"Time: {OUT_OF_TIME} ({self.budget.minutes:g})." if self.expired else over
        return " ".join(filter(None, (over, self._outcome))) or None
