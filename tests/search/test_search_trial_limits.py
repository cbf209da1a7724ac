"""Limits of each trial: one that hangs or grows fails with the reason, and nothing else changes."""

import pytest
from tiny import LIST, TINY, digest_of, options, rows, workspace

from hpsearch.cli import main
from hpsearch.errors import InputError, StudyFileError
from hpsearch.reporting.sections.ranking.stage_facts import changes
from hpsearch.search.launch import launch
from hpsearch.search.progress import Watcher
from hpsearch.search.resume import resume
from hpsearch.search.stages.limits import check_backend
from hpsearch.spec import TrialLimits, parse

FEW = TINY.split("[[stage]]")[0] + LIST
STUCK = FEW + "configurations = [ { eta = 0.1 }, { eta = 1e6 }, { eta = 0.05 }, { eta = 0.2 } ]\n"
SANE = STUCK.replace("{ eta = 1e6 }", "{ eta = 0.3 }")
STUCK_LAYER = """
import numpy as np
from hpsearch.nn import Dense, ReLU

class Stuck(ReLU):
    def forward(self, x, training):
        while not np.abs(x).max() < 1e4: pass
        return super().forward(x, training)

def build(classes, hidden): return [Dense(hidden[0]), Stuck(), Dense(classes)]
"""
OWN = """
name = "own"
data = { dataset = "digits", train = 200, validation = 100 }
model = { file = "models/own.py" }
training = { epochs = 3 }
trial = LIMITS
[[stage]]
name = "kinds"
configurations = [ KINDS ]
"""
OWN_MODEL = """
import signal, time
import numpy as np

def train_epoch(state, data, epoch, rng, kind):
    if epoch == 2 and kind == "spins":
        sum(iter(int, 1))  # in C, so that no other thread of the process runs
    if epoch == 2 and kind == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(1e9)
    if epoch == 2 and kind == "grows":
        kept = []
        while True: kept.append(np.ones(2_000_000))
    if kind == "large":
        kept = np.ones(25_000_000)
        time.sleep(0.5)
    return {"w": np.float64(epoch)}

def predict(state, samples): return np.arange(len(samples)) % 10
"""


def own(folder, limits: str, *kinds: str):
    text = OWN.replace("LIMITS", limits).replace("KINDS", ", ".join(f'{{ kind = "{kind}" }}' for kind in kinds))
    path = workspace(folder, text)
    (folder / "models" / "own.py").write_text(OWN_MODEL, "utf-8")
    return path


class Told(Watcher):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


@pytest.mark.long
def test_a_trial_that_hangs_fails_alone_and_its_cohort_ends_as_without_it(tmp_path, monkeypatch, shared_processes):
    (tmp_path / "sane").mkdir()
    limited = STUCK.replace("[[stage]]", "[trial]\nminutes = 0.04\n[[stage]]")
    for folder, text, backend in ((tmp_path, limited, "loky"), (tmp_path / "sane", SANE, "threading")):
        path = workspace(folder, text)
        (folder / "models" / "mlp.py").write_text(STUCK_LAYER, "utf-8")
        monkeypatch.chdir(folder)
        assert launch(path, options(folder, 1, backend)) == ("tiny", True)
    found, sane = rows(tmp_path), rows(tmp_path / "sane")
    assert (found[1]["state"], found[1]["epochs_done"]) == ("failed", 0)
    assert found[1]["reason"] == "ran longer than trial.minutes = 0.04"
    for number in (0, 2, 3):
        varying = {"seconds": 0, "cohort": 0}
        assert {**found[number], **varying} == {**sane[number], **varying}
        assert found[number]["state"] == "complete"


@pytest.mark.slow
def test_a_trial_that_allocates_without_end_fails_with_what_it_had_and_the_next_goes_on(tmp_path, shared_processes):
    path = own(tmp_path, '{ memory = "400 MB" }', "grows", "fine")
    assert launch(path, options(tmp_path, 1, "loky")) == ("own", True)
    grown, fine = rows(tmp_path)
    assert (grown["state"], grown["epochs_done"], fine["state"]) == ("failed", 1, "complete")
    assert grown["reason"] == 'used more memory than trial.memory = "400 MB"'


@pytest.mark.slow
def test_every_way_to_hang_costs_its_limit_and_the_digest_is_that_of_any_number_of_workers(tmp_path):
    digests = set()
    for workers in (1, 2, 4):
        folder = tmp_path / str(workers)
        folder.mkdir()
        path = own(folder, '{ minutes = 0.04, memory = "400 MB" }', "fine", "spins", "deaf", "grows", "good")
        assert launch(path, options(folder, workers, "loky")) == ("own", True)
        states = [(row["state"], row["epochs_done"]) for row in rows(folder)]
        assert states == [("complete", 3), *[("failed", 1)] * 3, ("complete", 3)]
        digests.add(digest_of(folder, "own"))
        assert main(["verify", "own", "--storage", options(folder).storage]) == 0
    assert len(digests) == 1


@pytest.mark.long
def test_a_limit_of_updates_ends_a_trial_with_what_it_has_reached_as_a_shorter_training_does(tmp_path):
    (tmp_path / "short").mkdir()
    listed = "configurations = [ { batch_size = 50 }, { batch_size = 20 } ]\n"
    text = FEW + "trial = { updates = 21 }\n" + listed  # 200 / 50 = 4 updates an epoch, 200 / 20 = 10
    short = FEW + listed.replace("{ batch_size = 20 }", "{ batch_size = 20, epochs = 2 }")
    for folder, written in ((tmp_path, text), (tmp_path / "short", short)):
        assert launch(workspace(folder, written), options(folder)) == ("tiny", True)
    whole, cut = rows(tmp_path)
    assert (whole["epochs_done"], whole["reason"]) == (3, None)
    assert (cut["state"], cut["epochs"], cut["epochs_done"]) == ("complete", 2, 2)
    assert cut["reason"] == "ended by trial.updates = 21"
    assert [row["value"] for row in rows(tmp_path)] == [row["value"] for row in rows(tmp_path / "short")]
    assert main(["verify", "tiny", "--storage", options(tmp_path).storage]) == 0


def test_the_report_says_in_one_line_that_a_limit_depends_on_the_machine():
    limits = TrialLimits(minutes=5, updates=20_000)
    stage = {"kind": "random", "ended": None, "batches": [], "stale": False}
    trials = [
        {"point": i, "replicate": 0, "state": state, "reason": reason, "pruned_at": None}
        for i, (state, reason) in enumerate(
            [
                ("failed", limits.reason("minutes")),
                ("failed", "out of memory"),
                ("complete", limits.reason("updates")),
                ("failed", limits.reason("minutes")),
            ]
        )
    ]
    assert list(changes(stage, trials)) == [
        "2 trials ran longer than trial.minutes = 5 and failed. This depends on the machine.",
        "1 trial ended by trial.updates = 20_000 before the end, and ranked by what it had reached.",
    ]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("{}", "trial must have at least one of minutes, memory, updates, got {}"),
        ("{ minutes = 0 }", "trial.minutes must be above 0, got 0"),
        ("{ memory = 2 }", "trial.memory must be a text with a number and its unit, such as '2 GB', got 2"),
        (
            '{ memory = "2 GBit" }',
            "trial.memory must be a number with its unit (kB, MB, GB, TB, KiB, MiB, GiB, TiB), such",
        ),
        ('{ memory = "2 MB" }', "trial.memory must be at least '100 MB', got '2 MB'"),
        ("{ seconds = 2 }", "trial.seconds is not a key; known: memory, minutes, updates"),
        ("{ updates = 9 }", "trial.updates must be at least 10, the updates of an epoch with batch_size = 20, got 9"),
    ],
)
def test_bad_limits_are_one_line(table, expected):
    text = FEW.replace("[data]", f"trial = {table}\n[data]", 1) + "configurations = [ { batch_size = 20 } ]\n"
    with pytest.raises(StudyFileError) as error:
        parse(text, "studies/x.toml")
    assert str(error.value).startswith(f"studies/x.toml: {expected}")


def test_a_stage_may_have_other_limits_and_a_backend_that_cannot_end_a_trial_says_so(tmp_path):
    text = STUCK.replace('name = "coarse"', 'name = "coarse"\ntrial = { minutes = 5, memory = "2 GB" }')
    study = parse(text, "x.toml")
    with pytest.raises(InputError, match=r"no worker that could be ended, which trial\.minutes and trial\.memory"):
        check_backend(study, options(tmp_path))
    for backend in ("loky", "dask", "ray"):
        check_backend(study, options(tmp_path, backend=backend))


@pytest.mark.slow
def test_a_trial_that_a_limit_ended_begins_anew_under_a_higher_one(tmp_path, shared_processes):
    path = own(tmp_path, '{ memory = "150 MB" }', "large", "fine")
    assert launch(path, options(tmp_path, 1, "loky")) == ("own", True)
    assert [row["state"] for row in rows(tmp_path)] == ["failed", "complete"]
    path.write_text(path.read_text().replace("150 MB", "600 MB"))
    assert resume("own", options(tmp_path, 1, "loky"))
    assert [row["state"] for row in rows(tmp_path)] == ["complete", "complete"]
