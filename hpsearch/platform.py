"""What differs between systems: signals, the end of processes, memory, cores. May import the standard library.

Windows has neither `SIGHUP`, signal masks, `fork` nor `prctl`; macOS has no `prctl`. The rest of hpsearch asks here
instead of using such names. Locks of files are in `storage/sqlite/`, the keys of a terminal in `cli/top/`.
"""

import contextlib
import ctypes
import importlib.util
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn


def _existing(*names: str) -> tuple[signal.Signals, ...]:
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


STOP_SIGNALS = _existing("SIGINT", "SIGTERM", "SIGHUP")
"""Those that ask a program to stop."""
TERMINAL_SIGNALS = _existing("SIGINT", "SIGHUP")
"""Those that a terminal sends to all processes in it."""
KILL = _existing("SIGKILL", "SIGTERM")[0]
"""What ends a process at once; on Windows `os.kill` does so by SIGTERM."""

BINARY: int = getattr(os, "O_BINARY", 0)
"""For `os.open`: do not translate ends of lines, as Windows would."""

HAS_FCNTL = importlib.util.find_spec("fcntl") is not None
"""Whether there are POSIX's locks of the bytes of a file."""

exit_at_once = os._exit
"""Ends this process, also where `exits_raise` holds."""

_WAIT_SECONDS = 0.5


def cores() -> int:
    """The number of cores that this process may use."""
    own: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return len(own(0)) if own else os.cpu_count() or 1


def memory() -> int | None:
    """The bytes of memory that this machine has; None where the system does not tell."""
    ask: Callable[[str], int] | None = getattr(os, "sysconf", None)
    if ask is not None:
        with contextlib.suppress(OSError, ValueError):
            return ask("SC_PHYS_PAGES") * ask("SC_PAGE_SIZE")
    windows: Any = getattr(ctypes, "windll", None)
    if windows is not None:
        kilobytes = ctypes.c_ulonglong()
        if windows.kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes)):
            return 1024 * kilobytes.value
    return None


def address_space() -> int | None:
    """The bytes of addresses that this process may have, as `ulimit -v` says; None without a limit."""
    try:
        import resource
    except ImportError:
        return None
    there = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if there == resource.RLIM_INFINITY else there


def user() -> int | None:
    """This process's user, as files have it; None where there is no such number."""
    ask: Callable[[], int] | None = getattr(os, "getuid", None)
    return ask() if ask else None


def kill_group(pid: int) -> None:
    """End at once a process that was started with `start_new_session`, and those of its session."""
    kill: Callable[[int, int], None] = getattr(os, "killpg", os.kill)
    kill(pid, KILL)


@contextlib.contextmanager
def exits_raise() -> Iterator[None]:
    """Let `os._exit` in this process raise SystemExit, as `sys.exit` does: a model file would end it with any status.

    Processes that this one forks end by it as usual.
    """
    own = os.getpid()

    def leave(status: int) -> NoReturn:
        if os.getpid() != own:
            exit_at_once(status)
        raise SystemExit(f"os._exit({status!r})")

    os._exit = leave
    try:
        yield
    finally:
        os._exit = exit_at_once


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Block the signals to stop: a process that starts here inherits the mask, and ignores them from its beginning.

    Does nothing where the system has no masks; a worker then ignores them once it runs.
    """
    mask: Any = getattr(signal, "pthread_sigmask", None)
    if mask is None:
        yield
        return
    before = mask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        mask(signal.SIG_SETMASK, before)


def accept_signals_in_forks() -> None:
    """Let SIGTERM, which this process ignores, end those that it forks: multiprocessing's pools need it."""
    register: Any = getattr(os, "register_at_fork", None)
    if register is not None:
        register(after_in_child=_accept_signals)


def _accept_signals() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    mask: Any = getattr(signal, "pthread_sigmask", None)
    if mask is not None:
        mask(signal.SIG_UNBLOCK, [signal.SIGTERM])


def end_with(parent: int) -> None:
    """End this process as soon as its parent is gone."""
    promised = False
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        with contextlib.suppress(AttributeError):  # a C library without it: the thread below notices
            promised = ctypes.CDLL(None).prctl(pr_set_pdeathsig, KILL) == 0
    try:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    except RuntimeError:  # the system has no thread left
        if not promised:
            raise
        if os.getppid() != parent:  # it died before the promise
            os._exit(1)


def _watch(parent: int) -> None:
    """Linux sends no signal if the parent died before `prctl`, and other systems never do."""
    windows: Any = getattr(ctypes, "windll", None)
    if windows is not None:  # a parent's number there stays when it has died; waiting for it does not
        windows.kernel32.OpenProcess.restype = ctypes.c_void_p
        synchronize, infinite = 0x00100000, 0xFFFFFFFF
        handle = windows.kernel32.OpenProcess(synchronize, False, parent)
        if handle:
            windows.kernel32.WaitForSingleObject(ctypes.c_void_p(handle), infinite)
    else:
        while os.getppid() == parent:
            time.sleep(_WAIT_SECONDS)
    os._exit(1)
