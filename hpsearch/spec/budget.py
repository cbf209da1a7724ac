"""What ends a stage before all that it asks for is trained: [stage].budget. May import pydantic."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from .table import Count, Positive, Table
from .words import wrong

Accuracy = Annotated[float, Field(gt=0, le=1)]


class Budget(Table):
    """The limits of a stage; what is None does not limit it. `minutes` alone depends on the machine's speed."""

    minutes: Positive | None = None
    epochs: Count | None = None
    target: Accuracy | None = None
    patience: Count | None = None

    @property
    def counted(self) -> bool:
        """Whether it has a limit that the results themselves decide, which is looked at after each batch."""
        return (self.epochs, self.target, self.patience) != (None, None, None)


def _says_something(given: Any) -> Any:
    if given == {}:
        raise wrong(f"must have at least one of {', '.join(Budget.key_names())}, got {{}}")
    return given


SomeBudget = Annotated[Budget, BeforeValidator(_says_something)]
"""A budget in a study file, which has a limit."""
