"""A metric as a value, and what can be wrong with one. May import `hpsearch.errors`."""

from dataclasses import dataclass

from hpsearch.errors import InputError, nearest
from hpsearch.metrics.kinds import KINDS, Average, Direction, Needs, Task


class MetricError(InputError):
    """A metric is unknown, does not fit, or cannot be computed from these labels; its message is one line.

    `text` follows the place of `key` in the metric's table, such as ("alpha",), or the place of the metric itself.
    """

    def __init__(self, text: str, *key: str) -> None:
        super().__init__(" ".join((".".join(key), text)) if key else text)
        self.text, self.key = text, key


@dataclass(frozen=True)
class Source:
    """The file of a metric of one's own: its path as in the study file, its text, and the text's SHA-256 (hex)."""

    path: str
    text: str
    hash: str


@dataclass(frozen=True)
class Metric:
    """A metric with its options. It can be hashed and pickled; one's own goes by the text of its file.

    name: as shown and stored, such as "f1_macro"; `parse(name)` is the same metric, but for those with `positive` or
        a file
    kind: a key of KINDS, "file", or "returned", for a number that the model returns under this name
    direction: "maximize" or "minimize"
    tasks: those that it fits
    needs: what it needs of a model
    share: whether it is a share in [0, 1] that is shown as a percentage
    average: of f1, precision, recall; None: "binary" where there are two classes, else "macro"
    positive: the name of the positive class; None: the second of two classes, as in scikit-learn
    alpha: the quantile of pinball
    k: of top_k_accuracy
    source: the file of a metric of one's own
    """

    name: str
    kind: str
    direction: Direction
    tasks: tuple[Task, ...]
    needs: Needs
    share: bool = False
    average: Average | None = None
    positive: str | None = None
    alpha: float | None = None
    k: int | None = None
    source: Source | None = None

    @property
    def sign(self) -> int:
        """+1 if larger is better, −1 if smaller is: sign · value is always to be maximised."""
        return 1 if self.direction == "maximize" else -1


@dataclass(frozen=True)
class MetricFile:
    """A metric of one's own that has not been read: the path of its file, and its direction if the study file has it.

    `load` makes a `Metric` of it. `name` is the file's, without ".py".
    """

    name: str
    path: str
    direction: Direction | None = None


def check_task(metric: Metric, task: Task) -> None:
    """Raise MetricError unless the metric fits the task."""
    if task not in metric.tasks:
        known = ", ".join(name for name, kind in KINDS.items() if task in kind.tasks)
        raise MetricError(f"must be a metric of {task}, got {metric.name!r} of {metric.tasks[0]}; known: {known}")


def class_number(positive: str, classes: tuple[str, ...]) -> int:
    """The number of the class of this name. Raises MetricError, which names the nearest, if there is none."""
    if positive not in classes:
        raise MetricError(f"must be a class, got {positive!r}{nearest(positive, classes)}", "positive")
    return classes.index(positive)


def shown(value: object) -> str:
    """A value for a message, on one short line."""
    try:
        return " ".join(f"{value!r:.80}".split())
    except Exception:  # of its `repr`
        return f"a {type(value).__name__}"
