"""What ends a stage before all that it asks for is trained: [stage].budget. May import pydantic."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from hpsearch.spec.messages import wrong
from hpsearch.spec.tables.base import Count, Positive, Table

Accuracy = Annotated[float, Field(gt=0, le=1)]


class Budget(Table):
    """The limits of a stage; what is None does not limit it. `minutes` alone depends on the machine's speed."""

    minutes: Positive | None = None
    """When it has run for so long, all its launches together. Trials under way are stopped at the end of their
    segment and not ranked. **This alone depends on the machine**: the same study may end elsewhere with another
    number of configurations.
    """
    epochs: Count | None = None
    """Before it would train more epochs in all, summed over its trials. A configuration begins only if there are enough
    left to finish it.
    """
    target: Accuracy | None = None
    """When a configuration's validation accuracy comes to this (0.55, not 55)."""
    patience: Count | None = None
    """When so many configurations in a row were not better than the best before them."""

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
