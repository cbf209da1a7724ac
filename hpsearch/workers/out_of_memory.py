"""Whether the system killed a worker for want of memory, and how much there was. May import the standard library.

Linux counts such kills: by control group, and of the whole machine. What a system does not offer is None.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_EVENTS = ("memory.events", "memory.oom_control")  # of version 2, 1
_MACHINE, _MEMORY = Path("/proc/vmstat"), Path("/proc/meminfo")


@dataclass(frozen=True)
class Kills:
    """How many processes were killed so far, in this process's control group and on the machine."""

    in_group: int = 0
    in_all: int = 0


def kills() -> Kills:
    """Read both numbers."""
    own = control_groups("memory")[:1]
    counted = [_number(group / name, "oom_kill") or 0 for group in own for name in _EVENTS]
    return Kills(max(counted, default=0), _number(_MACHINE, "oom_kill") or 0)


def explanation(before: Kills, now: Kills) -> str | None:
    """Return what a death between the two was for: None if nothing says that it was for want of memory."""
    if now.in_group > before.in_group and (limit := _limit()) is not None:
        return f"out of memory: {_shown(limit)} for all processes of the control group"
    if now.in_all > before.in_all and (total := _number(_MEMORY, "MemTotal:")) is not None:
        return f"out of memory: {_shown(1024 * total)} for all processes of the machine"
    return None


def control_groups(controller: str) -> list[Path]:
    """Return the folders of this process's control group, of version 2 or 1, and of its parents."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    root, found = Path("/sys/fs/cgroup"), []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = root / controllers if controllers else root
        here = top / path.lstrip("/")
        found += [here, *(parent for parent in here.parents if parent.is_relative_to(top))]
    return found


def _limit() -> int | None:
    """Return the lowest limit of the control group and its parents."""
    names = ("memory.max", "memory.limit_in_bytes")
    texts = [_text(folder / name) for folder in control_groups("memory") for name in names]
    limits = [int(text) for text in texts if text.strip().isdigit()]
    return min(limits, default=None)


def _number(path: Path, key: str) -> int | None:
    found = re.search(rf"^{key}\s+(\d+)", _text(path), re.MULTILINE)
    return int(found[1]) if found else None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _shown(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
