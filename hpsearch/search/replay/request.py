"""What `hpsearch replay` is asked for, for one stage of a study. May import spec and NumPy."""

from collections.abc import Callable
from dataclasses import dataclass

from hpsearch import spec
from hpsearch.errors import InputError
from hpsearch.nn.random import generator
from hpsearch.search.replay.choosers import Chooser, NearestTried, RandomOrder
from hpsearch.search.replay.search import Plan
from hpsearch.search.replay.stages import StageCurves
from hpsearch.search.replay.summary import Summary, summary
from hpsearch.search.samplers.factory import check_sampler, sampler_of
from hpsearch.search.stages.space import longest_of
from hpsearch.spec import Median, Random, Study
from hpsearch.spec.options import with_pruner

SAMPLERS = ("random", "qmc", "tpe", "gp")
"""The samplers that can choose among configurations that others chose: cmaes and nsga2 know only their own."""

ORDERS, MODEL_BASED_ORDERS = 200, 20
"""How many orders are replayed if it is not said; each order of a sampler of Optuna's takes a second."""


@dataclass(frozen=True)
class Request:
    """The options of the command, which may all be left out."""

    pruner: spec.Pruner | None = None
    sampler: spec.Sampler | None = None
    trials: int | None = None
    orders: int | None = None


def replay_stage(study: Study, found: StageCurves, request: Request) -> tuple[Summary, Plan]:
    """Replay a stage as it is asked for. Raises InputError where that does not fit the stage."""
    available = len(found.configurations)
    trials = available if request.trials is None else request.trials
    if trials > available:
        rule = (
            f"must be at most {available:,}, the configurations of stage {found.row.name!r} that trained to their end"
        )
        raise InputError(f"--trials {rule}, got {trials:,}")
    plan = Plan(trials, _pruner(study, found, request.pruner, trials), *_batches(found, request), found.goal)
    default = ORDERS if _is_random(request) else MODEL_BASED_ORDERS
    return summary(found.configurations, plan, request.orders or default, _chooser(study, found, request, trials)), plan


def _is_random(request: Request) -> bool:
    return request.sampler is None or isinstance(request.sampler, Random)


def _pruner(study: Study, found: StageCurves, pruner: spec.Pruner | None, trials: int) -> spec.Pruner | None:
    """The pruner with the rungs that a launch of this stage would choose."""
    if pruner is None:
        return None
    changed, stage = with_pruner(study, found.stage, pruner, longest_of(study, found.stage), "--pruner")
    if isinstance(pruner, Median) and pruner.startup >= trials:
        rule = f"startup must be below {trials:,}, the configurations of stage {found.row.name!r}"
        raise InputError(f"--pruner: {rule}, got {pruner.startup:,}")
    return spec.with_rungs(pruner, spec.chosen_rungs(changed, stage))


def _batches(found: StageCurves, request: Request) -> tuple[int | None, int]:
    """The size of a batch, and how many configurations before one its sampler does not know."""
    if request.sampler is None:  # the stage's batches, in which its own sampler would have asked
        return found.stage.batch_size_of_points, 0
    stage = found.stage.model_copy(update={"sampler": request.sampler})
    return (1, stage.window - 1) if stage.window is not None else (stage.batch_size_of_points, 0)


def _chooser(study: Study, found: StageCurves, request: Request, trials: int) -> Callable[[int], Chooser]:
    if _is_random(request):
        many = len(found.configurations)
        return lambda order: RandomOrder(many, generator(study.seed, "replay", found.row.name, order))
    assert request.sampler is not None
    if request.sampler.kind not in SAMPLERS:
        rule = f"must be one of {', '.join(map(repr, SAMPLERS))}; others know only configurations of their own"
        raise InputError(f"--sampler: kind {rule}, got {request.sampler.kind!r}")
    if not found.space:
        raise InputError(f"--sampler: stage {found.row.name!r} has a list of configurations, and no space to sample")
    changes = {"sampler": request.sampler.model_copy(update={"trials": trials}), "first": (), "source": None}
    stage = found.stage.model_copy(update=changes)
    check_sampler(stage, "--sampler", found.row.position)
    seeds = int(generator(study.seed, "replay", found.row.name).integers(2**31))
    return lambda order: NearestTried(
        lambda: sampler_of(stage, found.space, seeds + order), found.configurations, found.space
    )
