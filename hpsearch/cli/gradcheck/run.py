"""`gradcheck`: print a table of analytic and numeric gradients. May import workers and rich."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from hpsearch.api.console import SafeConsole
from hpsearch.cli.output import print_json
from hpsearch.cli.set_option import assignment, parse_toml
from hpsearch.nn.gradcheck import ParameterCheck
from hpsearch.workers.models.gradients import gradients
from hpsearch.workers.models.plugin import read_plugin


def gradcheck(model: Path, assignments: tuple[str, ...], *, tolerance: float, as_json: bool, **given: Any) -> int:
    """Print a table of the checks; return 1 if any relative error exceeds the tolerance."""
    plugin = read_plugin(model)
    pairs = (assignment(text, plugin.parameters) for text in assignments)
    found = gradients(plugin, {key: parse_toml(key, value, "")[key] for key, value in pairs}, **given)
    failed = [c for c in found if not c.relative_error <= tolerance]  # so that NaN fails
    if as_json:
        print_json({"model": model, "ok": not failed, "tolerance": tolerance, "parameters": found})
        return 1 if failed else 0
    _print(found, tolerance)
    verdict = f"{len(failed)} of {len(found)} parameters fail" if failed else f"all {len(found)} parameters pass"
    worst = max(found, key=lambda c: (np.isnan(c.relative_error), c.relative_error))
    print(
        f"{verdict} (relative error at most {tolerance:g}); the worst entry is {worst.name}{_index(worst)}: "
        f"analytic {worst.analytic:.10g}, numeric {worst.numeric:.10g}"
    )
    return 1 if failed else 0


def _index(c: ParameterCheck) -> str:
    return f"[{', '.join(map(str, c.index))}]"


def _print(found: list[ParameterCheck], tolerance: float) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("parameter")
    for heading in ("entries", "relative error", "absolute difference"):
        table.add_column(heading, justify="right")
    table.add_column("worst entry")
    for heading in ("analytic", "numeric"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for c in found:
        cells = (
            c.name,
            str(c.entries),
            f"{c.relative_error:.2e}",
            f"{c.absolute_difference:.2e}",
            _index(c),
            f"{c.analytic:.6g}",
            f"{c.numeric:.6g}",
            "ok" if c.relative_error <= tolerance else "FAILS",
        )
        table.add_row(*cells)
    SafeConsole(width=None if sys.stdout.isatty() else 140).print(table, markup=False, highlight=False)
