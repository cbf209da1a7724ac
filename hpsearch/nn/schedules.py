"""Learning-rate schedules: functions of the update's number, on whole arrays of it. May import NumPy only.

A schedule is called with updates t (n,), counted from 0, and returns learning rates η (n,), each a function of its own
t. Rates below 0 and lengths below 1 raise ValueError.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Updates = npt.NDArray[np.int64]
Rates = npt.NDArray[np.float64]
Schedule = Callable[[Updates], Rates]


def constant(eta: float) -> Schedule:
    """η at every update."""
    _check_rates(eta=eta)
    return lambda update: np.full(len(update), eta)


def step_decay(eta: float, factor: float, every: int) -> Schedule:
    """η · factor^⌊t / every⌋."""
    _check_rates(eta=eta, factor=factor)
    _check_lengths(every=every)
    return lambda update: eta * np.power(factor, update // every, dtype=np.float64)


def cyclical(eta_min: float, eta_max: float, half_cycle: int, halve: bool = False) -> Schedule:
    """Triangular: from eta_min up to eta_max over `half_cycle` updates and back down, again and again.

    eta_min + (eta_max − eta_min) · (1 − |1 − p|) / 2^c at position p = (t mod 2·half_cycle) / half_cycle of cycle c,
    where only `halve` halves the height with each cycle: "triangular" and "triangular2" of Smith 2017, section 3.2.
    """
    _check_rates(eta_min=eta_min, eta_max=eta_max)
    _check_lengths(half_cycle=half_cycle)

    def schedule(update: npt.NDArray[Any]) -> Rates:
        cycle, within = np.divmod(update, 2 * half_cycle)
        height = (eta_max - eta_min) * (1.0 - np.abs(1.0 - within / half_cycle))
        return eta_min + (np.ldexp(height, -cycle) if halve else height)

    return schedule


def cosine(eta: float, updates: int, eta_min: float = 0.0) -> Schedule:
    """From eta down to eta_min along half a cosine, and eta_min from update `updates` on.

    eta_min + (eta − eta_min) · (1 + cos(π · min(t / updates, 1))) / 2: one period of Loshchilov & Hutter 2017, eq. 5.
    """
    _check_rates(eta=eta, eta_min=eta_min)
    _check_lengths(updates=updates)
    return lambda update: _half_cosine(eta, eta_min, update / updates)


def warm_up(schedule: Schedule, updates: int) -> Schedule:
    """`schedule` with a linear warm-up: η(t) · min(1, (t + 1) / updates).

    The gradual warm-up of Goyal et al. 2017, section 2.2, from η/updates. The schedule's own count starts at 0 too, so
    the warm-up does not lengthen the training.
    """
    _check_lengths(updates=updates)
    return lambda update: schedule(update) * np.minimum(1.0, (update + 1) / updates)


def one_cycle(eta_max: float, updates: int, rise: float = 0.3, start: float = 25.0, end: float = 1e4) -> Schedule:
    """One cycle over the whole training (Smith & Topin 2018), along half cosines, as PyTorch's OneCycleLR.

    From eta_max / start up to eta_max at update rise·updates − 1, then down to eta_max / start / end at update
    updates − 1, and no further.
    """
    _check_rates(eta_max=eta_max)
    _check_lengths(updates=updates, start=start, end=end)
    if not 0 < rise < 1:
        raise ValueError(f"rise must be above 0 and below 1, got {rise}")
    low, peak, last = eta_max / start, max(rise * updates - 1, 0.0), updates - 1

    def schedule(update: npt.NDArray[Any]) -> Rates:
        up = _half_cosine(low, eta_max, update / peak) if peak else np.full(len(update), eta_max)
        down = _half_cosine(eta_max, low / end, (update - peak) / (last - peak)) if last > peak else up
        return np.where(update <= peak, up, down)

    return schedule


def _half_cosine(begin: float, end: float, progress: Rates) -> Rates:
    """From begin at progress 0 to end at 1, flat at both."""
    rates: Rates = end + (begin - end) * (0.5 + 0.5 * np.cos(np.pi * np.clip(progress, 0.0, 1.0)))
    return rates


def _check_rates(**rates: float) -> None:
    for name, rate in rates.items():
        if not (rate >= 0 and math.isfinite(rate)):
            raise ValueError(f"{name} must be at least 0 and finite, got {rate}")


def _check_lengths(**lengths: float) -> None:
    for name, length in lengths.items():
        if not length >= 1:
            raise ValueError(f"{name} must be at least 1, got {length}")
