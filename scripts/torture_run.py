"""One study that is killed at random moments, in every way, and resumed each time, for `scripts/torture`."""

import functools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torture_checks import MARK, FailedError, Observed, fields, patience, size
from torture_faults import ENDS, FAULTS, JUMPING
from torture_warm import Warm

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 14.0
"""The ten seconds that running segments have after a first Ctrl-C, and some for a busy machine."""

LIMIT_SECONDS = 300.0

FORKED = 0.95
"""The share of runs that begin as forks of a process that has imported all."""

warm = functools.cache(Warm)

HPSEARCH = (
    JUMPING
    + """\
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background a shell ignores it
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # and nohup this
try:
    from hpsearch.cli import main, run_study
    from hpsearch.search.stages import cohorts, context
except KeyboardInterrupt:  # a signal during our own imports above
    print("hpsearch: stopped", file=sys.stderr)
    sys.exit(130)
jump()
cohorts.SEGMENT_SECONDS = {seconds}
largest = context.largest_cohort
context.largest_cohort = lambda *given: max(1, round({share} * largest(*given)))
if not {report}:
    run_study.write_report = lambda *given: ""
sys.exit(main())
"""
)
"""The command line, with another length of segments and another size of cohorts."""

STOPS = {"SIGTERM": signal.SIGTERM, "SIGHUP": signal.SIGHUP, "Ctrl-C": signal.SIGINT, "Ctrl-C twice": signal.SIGINT}
KILLS = ("kill -9 the coordinator", "kill -9 a worker", "kill -9 all")
KINDS = (*KILLS, *KILLS, *STOPS, *FAULTS)
MOMENTS = ("start", "work", "work", "commit", "commit", "commit", "stage", "end")


@dataclass
class Tortured(Observed):
    """A study in a folder of its own, run by one process after another."""

    text: str
    rng: random.Random
    say: Callable[[str], None]
    kinds = KINDS
    moments = MOMENTS
    larger: str | None = None  # what the study grows to between two kills
    log: list[str] = field(default_factory=list)
    kills: int = 0
    process: Any = None
    deaths: int = 0  # of workers, in this run
    faults: list[str] = field(default_factory=list)  # in this run
    began: int = 0  # the epochs that were done when it began

    def __post_init__(self) -> None:
        (self.folder / "tmp").mkdir(parents=True)
        self.file, self.offset = self.folder / "study.toml", self.folder / "offset"
        self.offset.touch()
        self.file.write_text(self.text, "utf-8")
        paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
        self.environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "TMPDIR": str(self.folder / "tmp"),
            MARK: str(self.folder),
        }

    # Running

    def start(self, workers: int, backend: str, seconds: float = 3.0, share: float = 1.0, report: bool = False) -> None:
        """Launch or resume the study."""
        self.deaths, known = 0, self._ask("SELECT count(*) FROM hpsearch_studies")
        action = (
            ["resume", "torture"] if known and self.rng.random() < 0.5 else ["launch", str(self.file), "--or-resume"]
        )
        self.faults, self.began = [], self.epochs()
        code = HPSEARCH.format(offset=str(self.offset), seconds=seconds, share=share, report=report)
        given = ["--storage", self.url, "--reports", str(self.folder / "reports"), "--quiet"]
        words = [*action, *given, "--workers", str(workers), "--backend", backend]
        self.log.append(f"{action[0]} {workers} {backend}, segments of {seconds:.2f} s, {share:.0%} cohorts")
        (self.folder / "stderr").write_text("")  # a fork may be killed before it has begun its own
        if self.rng.random() < FORKED:
            self.process = warm().start(code, words, self.environment, self.folder / "stderr")
            return
        with (self.folder / "stderr").open("w") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, *words],
                env=self.environment,
                cwd=ROOT,
                start_new_session=True,
                stderr=stderr,
                stdin=subprocess.DEVNULL,
            )

    def processes(self) -> list[int]:
        """Those with its mark, and the coordinator, which has none if it is a fork."""
        found = super().processes()
        pid = None if self.process is None or self.process.returncode is not None else self.process.pid
        runs = pid is not None and any(fields(Path(f"/proc/{pid}/environ")))  # one that has ended has none
        return [pid, *found] if runs and pid not in found else found

    def start_at_random(self) -> None:
        """Continue with options drawn at random."""
        rng = self.rng
        if self.kills and rng.random() < 0.4:
            self.grow()
        self.start(
            workers=rng.choice([1, 1, 2, 2, 3, 4]),
            backend=rng.choice(["loky", "loky", "threading", "threading", "threading"]),
            seconds=rng.choice([0.05, 0.2, 3.0]),
            share=rng.choice([0.2, 1.0, 1.0]),
            report=rng.random() < 0.04,
        )

    def grow(self) -> None:
        """Extend the study, if that has not been done."""
        if self.larger:
            self.file.write_text(self.larger, "utf-8")
            self.larger = None
            self.log.append("grown")

    def finish(self) -> None:
        """Wait for the end of a run that is not disturbed any more; resume it if a fault ends it."""
        status = self.process.wait(patience(LIMIT_SECONDS))
        if self._fault_ended():
            self.start(2, "loky")
            status = self.process.wait(patience(LIMIT_SECONDS))
        self._expect(status == 0, f"exit status {status} instead of 0")
        self._expect(not self._errors(), "it printed an error though it succeeded")
        self.check()

    # Killing

    def torture(self, kills: int, epochs: int) -> None:
        """Kill it `kills` times, spread over the `epochs` of an undisturbed run, and let it end."""
        self.start_at_random()
        for number, position in enumerate(sorted(self.rng.uniform(0, epochs) for _ in range(kills))):
            last = number == kills - 1  # what comes after the end is no kill
            moment = self.rng.choice([moment for moment in self.moments if last or moment != "end"])
            if not self._await(moment, position):
                if not self._fault_ended():
                    break
                self.start_at_random()
            workers = self._workers() if self.deaths < 2 else []  # the third death of a segment fails its trials
            kind = self.rng.choice([kind for kind in self.kinds if workers or "worker" not in kind])
            before = self.epochs()
            where = f"{kind} ({moment}, {before} of {epochs} epochs)"
            self.log.append(where)
            done = self._kill(kind, workers)
            self.kills += 1
            self.say(where)
            if "worker" in kind or kind in FAULTS:
                continue
            self.check()
            lost = before - self.epochs()
            self._expect(lost <= 0 or "grown" in self.log, f"{lost} epochs that were committed are lost")
            if done:
                break
            self.start_at_random()
        if self.process.poll() is None or self.process.returncode != 0:
            self.finish()
        self.check_semaphores()
        if self.larger:
            self.grow()
            self.start_at_random()
            self.finish()

    def _await(self, moment: str, epochs: float) -> bool:
        """Wait for the moment; return False if the run ended before."""
        rng, alive = self.rng, lambda: self.process.poll() is None
        if moment == "start":
            self._sleep_until(lambda: False, rng.uniform(0.05, 3.0))
            return alive()
        if moment == "stage":
            before = self._stages_done()
            self._sleep_until(lambda: self._stages_done() > before, 20.0)
            self._sleep_until(lambda: False, rng.choice([0, 0.01, 0.05]))
            return alive()
        self._sleep_until(lambda: self.epochs() >= epochs, patience(LIMIT_SECONDS))
        if moment == "end":
            self._sleep_until(self._is_done, 20.0)
            self._sleep_until(lambda: False, rng.uniform(0, 0.3))
        elif moment == "work":
            self._sleep_until(lambda: False, rng.uniform(0, 0.2))
        else:
            log = self.database.with_name("study.db-wal")
            for _ in range(rng.randint(1, 8)):
                before = size(log)
                self._sleep_until(lambda before=before: size(log) != before, 3.0, 0.0005)
            time.sleep(rng.uniform(0, 0.003))
        return alive()

    def _sleep_until(self, condition: Callable[[], Any], seconds: float, pause: float = 0.03) -> None:
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline and not condition():
            time.sleep(pause)

    def _kill(self, kind: str, workers: list[int]) -> bool:
        """Kill or stop the run; return whether it had already ended."""
        pid = self.process.pid
        self.numbers += self.processes()
        if kind in FAULTS:
            self.faults.append(kind)
            FAULTS[kind](self)
            return False
        if "worker" in kind:
            self.deaths += 1
            with suppress(ProcessLookupError):
                os.kill(self.rng.choice(workers), signal.SIGKILL)
            return False
        if kind in KILLS:
            (os.kill if "coordinator" in kind else os.killpg)(pid, signal.SIGKILL)
            self.process.wait()
            return False
        number = STOPS[kind]
        alone = number != signal.SIGINT and self.rng.random() < 0.5
        (os.kill if alone else os.killpg)(pid, number)
        began = time.monotonic()
        if "twice" in kind:
            time.sleep(self.rng.uniform(0.02, 0.6))
            if self.process.poll() is None:
                os.killpg(pid, number)
        try:
            status = self.process.wait(patience(STOP_SECONDS))
        except subprocess.TimeoutExpired:
            raise FailedError(f"still running {patience(STOP_SECONDS):.0f} s after {kind}") from None
        seconds, errors = time.monotonic() - began, self._errors()
        self._expect(
            "twice" not in kind or seconds < patience(STOP_SECONDS / 2), f"it took {seconds:.1f} s to stop at once"
        )
        if status == 0:
            lost = number == signal.SIGINT and errors.startswith("Exception ignored in")  # while the report was written
            self._expect(not errors or lost, "it printed an error though it succeeded")
            return True
        text = errors.lstrip("\n")  # click ends the line of the ^C
        one_line = text.startswith("hpsearch: stopped") and text.count("\n") == 1
        if status == -number:  # while Python starts or ends there is no handler, and nothing can be lost
            self.log.append("it died of the signal")
            self._expect(not errors or one_line or self._says_fault(), "it printed an error though it died of a signal")
            return False
        if status in (1, 2) and self._fault_ended():  # just before the signal
            return False
        self._expect(status == 130, f"exit status {status} after {kind}")
        self._expect(one_line, "not one line")
        return False

    def _fault_ended(self) -> bool:
        """Whether the run has ended because of a fault; then check that it did so as documented."""
        status, errors = self.process.poll(), self._errors()
        if not status or not self.faults:
            return False
        self._expect(status in (1, 2) and self._says_fault(), f"exit status {status} after {', '.join(self.faults)}")
        self._expect(status == 1 or self.epochs() == self.began, "exit status 2, but something has changed")
        self.log.append(f"ended: {errors.strip()}")
        self.check()
        return True

    def _says_fault(self) -> bool:
        """Whether it has said in one line what one of the faults does."""
        errors = self._errors()
        said = any(text in errors for fault in self.faults for text in ENDS.get(fault, ()))
        return said and errors.startswith("hpsearch: ") and errors.count("\n") == 1
