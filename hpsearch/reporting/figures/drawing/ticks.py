"""The scale of one axis: its limits, and where its ticks are and what they say. May import NumPy."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

STEPS = (1.0, 2.0, 2.5, 5.0)
"""The distances between ticks, as multiples of a power of ten."""


def linear_ticks(low: float, high: float, most: int = 6, whole: bool = False) -> list[float]:
    """Return round numbers within [low, high], at most `most` and one; all whole if `whole`.

    >>> linear_ticks(0.93, 0.991)
    [0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99]
    >>> linear_ticks(0.4, 12.6, whole=True)
    [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]
    """
    if not 0 < high - low < math.inf:
        return [low]
    exponent = math.floor(math.log10((high - low) / most)) - 1
    steps = [step * 10.0 ** (exponent + more) for more in range(3) for step in STEPS]
    if whole:
        steps = [step for step in steps if step >= 0.999 and abs(step - round(step)) < 1e-3] or [1.0]
    ends = ((step, math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)) for step in steps)
    step, first, last = next(each for each in ends if each[2] - each[1] <= most)
    return [float(f"{step * at:.10g}") for at in range(first, last + 1)]


def log_ticks(low: float, high: float, subs: Sequence[float] = (1.0,), most: int = 6) -> list[float]:
    """Return `subs` times powers of ten within [low, high], with one subs only at most `most` powers.

    >>> log_ticks(1e-6, 0.2)
    [1e-06, 1e-05, 0.0001, 0.001, 0.01, 0.1]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [float(f"{sub * 10.0**power:.6g}") for power in powers for sub in subs]
    ticks = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
    return ticks[:: math.ceil(len(ticks) / most)] if len(subs) == 1 and ticks else ticks


@dataclass
class Axis:
    """One axis; `grid` lines and ticks of `length` points, its line drawn if `line`, at the other side if `other`.

    `least` is the smallest value, where the page's reader can switch between a linear and a logarithmic axis.
    """

    log: bool = False
    label: str = ""
    grid: bool = True
    length: float = 3.5
    line: bool = True
    other: bool = False
    rotation: float = 0.0
    low: float | None = None
    high: float | None = None
    least: float | None = None
    _ticks: Callable[[float, float], Sequence[float]] = linear_ticks
    _write: Callable[[float], str] = field(default=lambda value: f"{value:,.6g}")
    _seen: tuple[float, float, float] = (math.inf, math.inf, -math.inf)

    @property
    def switch(self) -> str:
        """What the page's script needs to switch its scale: the scale, the limits and the smallest value, or ""."""
        if self.least is None:
            return ""
        return " ".join(["log" if self.log else "linear", *(f"{value:.6g}" for value in (*self.limits, self.least))])

    def set_label(self, text: str) -> None:
        """Set the text beside the axis."""
        self.label = text

    def set_limits(self, low: float | None = None, high: float | None = None) -> None:
        """Set one or both of the ends; a low one above the high one turns the axis."""
        self.low, self.high = (self.low if low is None else low), (self.high if high is None else high)

    def set_ticks(
        self,
        at: Callable[[float, float], Sequence[float]] | Iterable[float],
        texts: Callable[[float], str] | Sequence[str] | None = None,
        rotation: float = 0.0,
    ) -> None:
        """Set the ticks, or a function of the limits that returns them, and their texts, or a function of a tick."""
        if callable(at):
            self._ticks = at
        else:
            fixed = [float(tick) for tick in at]
            self._ticks = lambda _low, _high: fixed
            if texts is not None and not callable(texts):
                named = dict(zip(fixed, texts, strict=True))
                self._write = lambda tick: named[tick]
        if callable(texts):
            self._write = texts
        self.rotation = rotation

    def see(self, values: ArrayLike) -> None:
        """Make room for values, where the limits are not set."""
        seen = np.asarray(values, dtype=np.float64).ravel()
        seen = seen[np.isfinite(seen)]
        if seen.size:
            least, positive, most = self._seen
            positive = min(positive, float(seen.min(where=seen > 0, initial=math.inf)))
            self._seen = min(least, float(seen.min())), positive, max(most, float(seen.max()))

    @property
    def limits(self) -> tuple[float, float]:
        """The ends: as set, or 5% of the values' range beyond them."""
        least, positive, high = self._seen
        low = positive if self.log else least
        if low > high:  # nothing was seen
            low, high = (1.0, 10.0) if self.log else (0.0, 1.0)
        if self.log:
            room = (high / low) ** 0.05 if high > low else 1.5
            ends = low / room, high * room
        else:
            room = 0.05 * (high - low) or 0.05 * abs(high) or 0.05
            ends = low - room, high + room
        return ends[0] if self.low is None else self.low, ends[1] if self.high is None else self.high

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """The ticks within the limits, and their texts."""
        low, high = sorted(self.limits)
        edge = 1e-6 * (high - low)
        return [(tick, self._write(tick)) for tick in self._ticks(low, high) if low - edge <= tick <= high + edge]

    def shares(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return where values are between the limits, 0 at the first and 1 at the second; NaN where nowhere."""
        given = np.asarray(values, dtype=np.float64)
        low, high = self.limits
        if self.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                given = np.where(given > 0, np.log(given), np.nan)
            low, high = math.log(low), math.log(high)
        placed: NDArray[np.float64] = (given - low) / ((high - low) or 1.0)
        return np.where(np.isfinite(placed), placed, np.nan)
