"""`hpsearch.optimise`: a search over a function's parameters. May import spec and search.

It makes a study with one stage, whose text and function are stored like those of any other.
"""

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpsearch.api.callbacks import OnTrial
from hpsearch.api.run import launch
from hpsearch.api.study import PLACE, Range, Stage, Study
from hpsearch.errors import InputError, StudyChangedError, nearest
from hpsearch.search.functions.files import function_file
from hpsearch.search.functions.space import read_space, takes_trial
from hpsearch.search.growth import growth_of
from hpsearch.storage import STORAGE_VARIABLE
from hpsearch.storage.database import look_up
from hpsearch.storage.records import StudyRow
from hpsearch.storage.sqlite.workspace import default_url

if TYPE_CHECKING:
    from hpsearch.api.results import Results

DIRECTIONS = {"minimise": "minimize", "minimize": "minimize", "maximise": "maximize", "maximize": "maximize"}

STAGE = "search"

Table = Mapping[str, Any]


def optimise(
    objective: Callable[..., Any],
    space: Mapping[str, Range | Sequence[Any] | Table] | None = None,
    *,
    trials: int | None = None,
    direction: str | Mapping[str, str] = "minimise",
    metric: str | None = None,
    also: Sequence[str] = (),
    epochs: int | None = None,
    sampler: Table | str = "tpe",
    pruner: Table | str | None = None,
    budget: Table | None = None,
    replicates: int = 1,
    confirm: int | Table | None = None,
    first: Sequence[Table] | None = None,
    params: Table | None = None,
    seed: int = 0,
    name: str | None = None,
    workers: int | None = None,
    storage: str | None = None,
    on_trial: OnTrial | None = None,
    progress: bool | None = None,
) -> "Results":
    """Search for the parameters with which a function is lowest, or highest, and return the results.

    `objective(params, seed)` returns a number, or a mapping of numbers; or it yields one for each of `epochs`, and can
    be pruned by `pruner`. An `objective(trial)` of Optuna's runs as well: without `space` it is called to read its
    suggestions. `direction` is "minimise" or "maximise", of several objectives a mapping by name. `metric` is the
    number of a mapping to search by, `also` has further ones to record; `params` are the same in all trials.

    A `Range` has all numbers between its ends; `integer=True` whole ones alone. `trials` is 40 if not given. With one
    worker, the default, the function is called in this process. The study has the function's name; where one of that
    name asks for something else, a number is added. The other arguments are keys of a stage of the study file, or those
    of `launch`. Raises InputError for an argument that is not valid.

    >>> hpsearch.optimise(lambda params: params["x"] ** 2, {"x": Range(-5, 5)}).best.params  # doctest: +SKIP
    """
    model, why = function_file(objective, Path.cwd())
    if why is not None and workers not in (None, 1):
        rule = f"objective {why}, so that no other process can call it; define it in a file, or leave workers out"
        raise InputError(f"{rule}, got workers={workers!r}")
    of_trial = takes_trial(objective)
    if epochs is None and inspect.isgeneratorfunction(objective):
        raise InputError("objective yields a number for each step; epochs must say how many steps there are")
    if space is None and not of_trial:
        raise InputError("space must be given, such as {'x': Range(-5, 5)}; only an objective(trial) suggests its own")
    if space is None:
        space, steps = read_space(objective, count=pruner is not None and epochs is None)
        epochs = epochs or (steps if pruner is not None else None)
    if not isinstance(space, Mapping) or not space:
        raise InputError(f"space must name at least one parameter, such as {{'x': Range(-5, 5)}}, got {space!r:.80}")
    searched = {key: _checked(key, entry) for key, entry in space.items()}
    training: dict[str, Any] = {} if epochs is None else {"epochs": epochs}
    if of_trial and epochs is not None and epochs > 1:
        training["keep"] = "last"  # an Optuna trial is worth what its objective returns
    stage = Stage(
        STAGE,
        sampler=_with_trials(sampler, trials),
        space=searched,
        pruner=_with_rungs(pruner, epochs or 1),
        budget=budget,
        replicates=None if replicates == 1 else replicates,
        confirm=confirm,
        first=first,
    )

    def study(called: str) -> Study:
        return Study(
            called,
            model={"function": model, **(params or {})},
            objective=_objective(direction, metric, also),
            training=training or None,
            stages=[stage],
            seed=seed,
        )

    chosen = study(name or getattr(objective, "__name__", "function").strip("<>"))
    chosen = chosen if name else _free(chosen, study, storage)
    backend = "sequential" if workers in (None, 1) else "loky"
    return launch(
        chosen,
        storage=storage,
        workers=workers or 1,
        backend=backend,
        on_trial=on_trial,
        progress=progress,
        or_resume=True,
    )


def _checked(name: str, entry: Any) -> Any:
    """An entry of the space as a study has it. Raises InputError for None among choices, which no file can hold."""
    if isinstance(entry, Sequence) and not isinstance(entry, str) and None in entry:
        raise InputError(f"space[{name!r}] must not have None among its choices, got {list(entry)!r:.60}; give a text")
    return _of_reals(entry)


def _of_reals(entry: Any) -> Any:
    """A range of all numbers, also between whole ones, unless it says `integer`: a function has no other hint."""
    return replace(entry, integer=False) if isinstance(entry, Range) and entry.integer is None else entry


def _objective(direction: str | Mapping[str, str], metric: str | None, also: Sequence[str]) -> Any:
    """[objective], or [[objective]] of several."""
    if isinstance(direction, Mapping):
        if metric is not None or also:
            raise InputError("direction must be one direction beside metric and also, got a mapping of several")
        return [{"metric": {"returned": key}, "direction": _direction(value)} for key, value in direction.items()]
    # a number that is returned by itself has a name, too
    given: dict[str, Any] = {"metric": {"returned": "value" if metric is None else metric}}
    further = {"also": [{"returned": key, "direction": "maximize"} for key in also]} if also else {}
    return given | {"direction": _direction(direction)} | further


def _direction(given: object) -> str:
    if isinstance(given, str) and given in DIRECTIONS:
        return DIRECTIONS[given]
    near = nearest(given, ("minimise", "maximise")) if isinstance(given, str) else ""
    raise InputError(f"direction must be 'minimise' or 'maximise', got {given!r}{near}")


def _with_trials(sampler: Table | str, trials: int | None) -> Table:
    """The table of a sampler; a grid has as many trials as points."""
    table = {"kind": sampler} if isinstance(sampler, str) else dict(sampler)
    if table.get("kind") == "grid" and trials is None:
        return table
    return {"trials": 40 if trials is None else trials} | table if trials is None else table | {"trials": trials}


def _goes_on(row: StudyRow, text: str) -> bool:
    """Is it the text of a stored study, or one that only adds to it?"""
    try:
        growth_of(row, text, PLACE)
    except StudyChangedError:
        return False
    return True


def _with_rungs(pruner: Table | str | None, epochs: int) -> Table | None:
    """The table of a pruner; the median rule gets few rungs, since a function begins again at each."""
    table = {"kind": pruner} if isinstance(pruner, str) else pruner
    if table is None or table.get("kind") != "median" or "rungs" in table:
        return table
    return {**table, "rungs": sorted({max(1, epochs // share) for share in (8, 4, 2)})}


def _free(wanted: Study, study: Callable[[str], Study], storage: str | None) -> Study:
    """The study under the first name that is free, or that the same study has, or one that this adds to."""
    url, found, number = storage or os.environ.get(STORAGE_VARIABLE) or default_url(), wanted, 1
    while (row := look_up(url, found.name)) is not None and not _goes_on(row, found.text):
        number += 1
        found = study(f"{wanted.name}-{number}")
    return found
