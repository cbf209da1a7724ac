"""What the page shows of a ranking: columns that differ, short remarks, each cause of a failure and each rule once.

May import our views. ranking.csv and ranking.md have every column of every row.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hpsearch.reporting import formatting
from hpsearch.reporting.sections.ranking.rows import Row
from hpsearch.reporting.sections.ranking.stage import StageView

WIDE = 13
"""A table with so many columns is set more tightly, without bars."""

LONG = 12
"""A longer name of a trial counts as two columns."""

CAUSES = 8
"""At most so many causes of failures are listed."""


@dataclass(frozen=True)
class RankingTable:
    """One stage's table on the page."""

    stage: StageView
    columns: tuple[int, ...]  # the hyperparameters that have a column: those that differ between the rows
    common: str  # the values that all rows have, "" where there are none
    epochs: str  # of how many epochs the best one is, where that is the same for all rows
    caption: str  # what holds for this table alone
    failures: tuple[str, ...]  # each cause once, with the trials

    @property
    def labels(self) -> list[str]:
        """The headings of the columns of hyperparameters."""
        return [self.stage.labels[column] for column in self.columns]

    def values(self, row: Row) -> list[str]:
        """The cells of these columns."""
        return [row.values[column] for column in self.columns]

    def best_epoch(self, row: Row) -> str:
        """The best epoch, without the number of epochs where the heading has it."""
        return row.best_epoch.partition(" of ")[0] if self.epochs else row.best_epoch

    @property
    def tight(self) -> bool:
        """Whether it has many columns."""
        stage = self.stage
        optional = (
            stage.counted,
            stage.remarked,
            stage.intervals,
            stage.near,
            stage.tested,
            stage.test_intervals,
            stage.diagnosed,
        )
        long = any(len(row.trial) > LONG for row in stage.shown)
        return 6 + len(self.columns) + len(stage.others) + sum(map(bool, optional)) + long >= WIDE


def ranking_tables(stages: Sequence[StageView]) -> tuple[list[RankingTable], tuple[str, ...]]:
    """Return a table per stage, and the sentences that explain several of them, which the page has once."""
    sentences = [_sentences(stage.caption) if stage.rows else [] for stage in stages]
    found = Counter(text for each in sentences for text in set(each))
    shared = tuple(dict.fromkeys(text for each in sentences for text in each if found[text] > 1))
    own = [" ".join(text for text in each if text not in shared) for each in sentences]
    return [_table(stage, caption) for stage, caption in zip(stages, own, strict=True)], shared


_END = re.compile(r"(?<=[.!?]) (?=[A-Z“])")


def _sentences(caption: str) -> list[str]:
    """Split a caption into its sentences.

    >>> _sentences("Accuracy on 9 samples. “≈ best”: not distinguishable, by Nadeau and Bengio (2003).")
    ['Accuracy on 9 samples.', '“≈ best”: not distinguishable, by Nadeau and Bengio (2003).']
    """
    return _END.split(caption)


def _table(stage: StageView, caption: str) -> RankingTable:
    rows = stage.rows
    different = [len({row.values[index] for row in rows}) > 1 for index in range(len(stage.labels))]
    columns = tuple(index for index, differs in enumerate(different) if differs or len(rows) < 2)
    alike = [index for index in range(len(stage.labels)) if index not in columns]
    pairs = [f"{stage.labels[index]} = {rows[0].values[index]}" for index in alike]
    epochs = {row.best_epoch.partition(" of ")[2] for row in stage.shown if row.best_epoch != formatting.MISSING}
    return RankingTable(
        stage,
        columns,
        f"In all rows: {', '.join(pairs)}." if pairs else "",
        epochs.pop() if len(epochs) == 1 else "",
        caption,
        tuple(_failures(stage)),
    )


def _failures(stage: StageView) -> list[str]:
    """Write each cause of a failure once, the most frequent first, with the trials that it ended."""
    found = Counter(row.cause for row in stage.rows if row.cause)
    texts = []
    for cause, number in found.most_common(CAUSES):
        rows = [row for row in stage.rows if row.cause == cause]
        named = [row.trial for row in rows[:4]]
        more = f" and {number - 4:,} more" if number > 4 else ""
        texts.append(f"{', '.join(named)}{more}: {cause}")
    if len(found) > CAUSES:
        texts.append(f"{formatting.count(len(found) - CAUSES, 'further cause')}; ranking.csv has all.")
    return texts
