"""Limits that end a stage before all its configurations are trained: [stage].budget. May import pydantic."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from hpsearch.spec.messages import wrong
from hpsearch.spec.tables.base import Count, Number, Positive, Table


class Budget(Table):
    """The limits of a stage; None is no limit. Only `minutes` depends on the machine's speed."""

    minutes: Positive | None = None
    """End after this time, summed over all launches. Running trials are stopped at the end of their segment and not
    ranked. **Only this limit depends on the machine**: on another one the same study may end with another number of
    configurations.
    """
    epochs: Count | None = None
    """The most epochs in all, summed over the trials. A configuration is started only if enough epochs are left to
    finish it.
    """
    target: Number | None = None
    """End when a configuration reaches this value of the objective on the validation samples; an accuracy as a share
    (0.55, not 55).
    """
    patience: Count | None = None
    """End when so many configurations in a row were not better than the best before them."""

    @property
    def counted(self) -> bool:
        """Whether it has a limit that depends on the results, which is checked after each batch."""
        return (self.epochs, self.target, self.patience) != (None, None, None)


def _says_something(given: Any) -> Any:
    if given == {}:
        raise wrong(f"must have at least one of {', '.join(Budget.key_names())}, got {{}}")
    return given


SomeBudget = Annotated[Budget, BeforeValidator(_says_something)]
"""A budget in a study file, which has at least one limit."""
