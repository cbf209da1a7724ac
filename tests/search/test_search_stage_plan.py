"""A stage's next step follows from its trials alone: whatever ran first, and however often it was killed."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import spec
from hpsearch.nn.random import generator
from hpsearch.search.samplers.factory import sampler_of
from hpsearch.search.stages.plan import StagePlan
from hpsearch.search.stages.space import longest_of
from hpsearch.storage.records import COMPLETE, FAILED, PRUNED, RUNNING, WAITING, NewTrial, TrialRow

STUDY = """\
name = "steps"
[data]
dataset = "digits"
train = 200
validation = 100
[model]
file = "models/softmax.py"
[training]
epochs = 9
eta = 0.1
batch_size = 50
[[stage]]
name = "only"
{stage}
"""

RANDOM = 'sampler = { kind = "random", trials = 20 }\nspace.lambda = { low = 1e-5, high = 1e-1, log = true }\n'
STAGES = {
    "random": RANDOM,
    "grid": 'sampler = { kind = "grid" }\nspace.lambda = [1e-1, 1e-2, 1e-3]\nspace.eta = [0.1, 0.2, 0.3]\n',
    "halving": RANDOM + 'pruner = { kind = "halving", audit = 0.2 }\n',
    "halving in batches": RANDOM.replace("20", "20, batch = 6") + 'pruner = { kind = "halving", keep = 0.5 }\n',
    "hyperband": RANDOM + 'pruner = { kind = "hyperband" }\n',
    "median": RANDOM + 'pruner = { kind = "median", startup = 3 }\nreplicates = 2\n',
    "tpe": RANDOM.replace('"random"', '"tpe"').replace("20", "20, batch = 4, n_startup_trials = 4"),
    "tpe in a window": RANDOM.replace('"random"', '"tpe"').replace("20", "14, window = 3, n_startup_trials = 4")
    + 'pruner = { kind = "median", startup = 3 }\n',
    "target": RANDOM.replace("20", "20, batch = 3") + "budget = { target = 0.9 }\n",
    "patience": RANDOM.replace("20", "20, batch = 2") + "budget = { patience = 3 }\nreplicates = 2\n",
    "epochs": RANDOM.replace("20", "20, batch = 4")
    + 'budget = { epochs = 80 }\npruner = { kind = "halving", keep = 0.5 }\n',
    "confirm": RANDOM + 'confirm = { best = 3, replicates = 4 }\npruner = { kind = "halving" }\nreplicates = 2\n',
    "searched length": RANDOM + 'space.epochs = [2, 5, 9]\npruner = { kind = "halving", keep = 0.5 }\n',
}


class World:
    """Trials that train as their number says, in any order, and a coordinator that may be killed at any moment."""

    def __init__(self, text: str, seed: int, kills: float, broken: float = 0.1, stops: float = 0.1) -> None:
        self.study = spec.parse(STUDY.format(stage=text), "steps.toml")
        self.stage = self.study.stages[0]
        self.shuffle, self.kills, self.broken, self.stops = random.Random(seed), kills, broken, stops
        self.rows: list[TrialRow] = []
        self.curves: dict[int, list[tuple[int, float, float]]] = {}

    def plan(self) -> StagePlan:
        sampler = sampler_of(self.stage, dict(self.stage.space), self.study.seed)
        plan = StagePlan(self.study, self.stage, "only", sampler, longest_of(self.study, self.stage))
        plan.restore(self.rows, self.curves)
        return plan

    def run(self) -> StagePlan:
        plan = self.plan()
        ready: dict[int, TrialRow] = {}
        while True:
            while step := plan.next(self.shuffle.choice([1, 5, 100])):
                for decision in step.decisions:
                    row = replace(decision.trial, pruned_at=decision.pruned_at, reason=decision.reason)
                    self.store(plan, row if decision.audited else replace(row, state=PRUNED))
                plan.added([self.add(trial) for trial in step.trials])
            ready |= {row.id: row for row in plan.take_ready()}
            if not ready:
                return plan
            row = ready.pop(self.shuffle.choice(list(ready)))
            done = self.train(plan, row)
            if done.state == RUNNING and done.epochs_done < plan.limit(done):
                ready[done.id] = done
            if self.shuffle.random() < self.kills:
                plan, ready = self.plan(), {}

    def add(self, new: NewTrial) -> TrialRow:
        assert new.number == len(self.rows)
        fields = dict(vars(new).items())
        blank = {"epochs_done": 0, "best_epoch": None, "value": None, "loss": None, "state": WAITING}
        self.rows.append(TrialRow(id=new.number + 1, optuna_trial_id=0, **fields, **blank))
        return self.rows[-1]

    def store(self, plan: StagePlan, row: TrialRow, curve: tuple[tuple[int, float, float], ...] = ()) -> None:
        self.rows[row.number] = row
        self.curves.setdefault(row.id, []).extend(curve)
        plan.update(row, curve)

    def train(self, plan: StagePlan, row: TrialRow) -> TrialRow:
        """Some epochs more; what each brings depends on the configuration, the replicate and the epoch alone."""
        last = min(row.epochs_done + self.shuffle.randint(1, 4), plan.limit(row))
        assert row.epochs_done < last, "a trial was given out that may not train on"
        curve = []
        fate = generator(7, "fate", row.point, row.replicate).random()
        for epoch in range(row.epochs_done + 1, last + 1):
            chance = generator(7, "epoch", row.point, row.replicate, epoch).random()
            if fate < self.broken and chance < 0.3:
                row = replace(row, state=FAILED, epochs_done=epoch, reason="it diverged")
                break
            accuracy = round(0.5 + 0.3 * generator(7, "mean", row.point).random() + 0.1 * chance + 0.01 * epoch, 3)
            curve.append((epoch, accuracy, 1 - accuracy))
            if row.value is None or accuracy > row.value:
                row = replace(row, value=accuracy, loss=1 - accuracy, best_epoch=epoch)
            stopped = fate > 1 - self.stops and chance < 0.3
            row = replace(row, state=COMPLETE if epoch == row.epochs or stopped else RUNNING, epochs_done=epoch)
            if row.state == COMPLETE:
                break
        self.store(plan, row, tuple(curve))
        return row

    def end(self) -> list[TrialRow]:
        return sorted(self.rows, key=lambda row: row.number)


@pytest.mark.long
@pytest.mark.parametrize("kind", STAGES)
def test_a_stage_ends_the_same_whatever_ran_first_and_however_often_it_was_killed(kind):
    calm = World(STAGES[kind], seed=0, kills=0)
    outcome = calm.run().why_it_ended
    assert all(row.state in (COMPLETE, FAILED, PRUNED) for row in calm.rows)
    for seed in (1, 2):
        killed = World(STAGES[kind], seed, kills=0.2)
        assert killed.run().why_it_ended == outcome
        assert killed.end() == calm.end()
        assert killed.curves == calm.curves


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(STAGES)), st.integers(0, 10**6), st.floats(0, 0.5), st.floats(0, 1))
def test_no_fate_of_its_trials_stops_a_stage_or_changes_it(kind, seed, broken, stops):
    worlds = [World(STAGES[kind], seed + i, kills, broken, stops) for i, kills in enumerate((0, 0.3))]
    outcomes = [world.run().why_it_ended for world in worlds]
    assert outcomes[0] == outcomes[1]
    assert worlds[0].end() == worlds[1].end()


def test_a_grid_is_complete_after_any_kills_with_each_point_once():
    world = World(STAGES["grid"], seed=3, kills=0.5)
    world.run()
    points = [(row.params["lambda"], row.params["eta"]) for row in world.rows]
    assert sorted(points) == sorted((lam, eta) for lam in (1e-1, 1e-2, 1e-3) for eta in (0.1, 0.2, 0.3))


def test_a_budget_of_epochs_is_never_exceeded_and_says_so():
    world = World(STAGES["epochs"], seed=0, kills=0)
    plan = world.run()
    assert sum(row.epochs_done for row in world.rows) <= 80
    assert plan.why_it_ended.startswith("The budget of 80 epochs")


def test_a_target_ends_the_stage_after_the_batch_that_reached_it():
    world = World(STAGES["target"], seed=0, kills=0, broken=0)
    plan = world.run()
    first = next(row.point for row in world.end() if row.value >= 0.9)
    assert len(world.rows) == (first // 3 + 1) * 3 < 20
    assert plan.why_it_ended == f"Trial {first} reached the target, 90.00%."


def test_the_audited_share_of_the_doomed_trains_to_the_end():
    world = World(RANDOM + 'pruner = { kind = "halving", audit = 0.5 }\n', seed=0, kills=0, broken=0, stops=0)
    world.run()
    audited = [row for row in world.rows if row.pruned_at is not None and row.state == COMPLETE]
    pruned = [row for row in world.rows if row.state == PRUNED]
    assert audited
    assert pruned
    assert all(row.epochs_done == row.epochs for row in audited)
    assert all(row.epochs_done == row.pruned_at for row in pruned)


def test_a_stage_that_is_out_of_time_stops_what_is_unfinished():
    world = World(RANDOM + "budget = { minutes = 1.0 }\n", seed=0, kills=0)
    plan = world.plan()
    plan.added([world.add(trial) for trial in plan.next(100).trials])
    world.train(plan, plan.take_ready()[0])
    plan.expire()
    stopped = plan.next(100).decisions
    assert {d.trial.state for d in stopped} <= {WAITING, RUNNING}
    assert len(stopped) >= 19
    assert {decision.pruned_at for decision in stopped} == {None}
    assert plan.why_it_ended == "Time: the stage's budget of minutes ended (1)."
