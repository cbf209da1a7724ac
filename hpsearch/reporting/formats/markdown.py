"""The report as Markdown that a code host shows, and its ranking tables."""

from collections.abc import Mapping, Sequence

from hpsearch.reporting import formatting
from hpsearch.reporting.formats.content import Content, Files
from hpsearch.reporting.formats.images import figure_paths
from hpsearch.reporting.formats.outline import (
    Block,
    FigureBlock,
    Heading,
    Images,
    Paragraph,
    Table,
    Verbatim,
    shortened,
)
from hpsearch.reporting.sections.ranking.stage import StageView

_CELL, _TEXT = 400, 4_000
"""The most characters of a table cell and of a paragraph."""


def files(content: Content) -> Files:
    """Return report.md, with links to the figures if the report has them as files, and ranking.md."""
    report = document(content.blocks, figure_paths(content))
    return {"report.md": report, "ranking.md": ranking_md(content.frames.study["name"], content.stages)}


def document(blocks: Sequence[Block], figures: Mapping[str, str]) -> str:
    """Return the blocks of a page as Markdown; `figures` has the path of each figure that is a file, by its name."""
    parts: list[str] = []
    for index, block in enumerate(blocks):
        text = _block(block, figures)
        if not text:
            continue
        before = blocks[index - 1] if index else None
        tight = isinstance(block, Paragraph) and isinstance(before, Paragraph) and block.listed and before.listed
        parts.append(text if tight or not parts else f"\n{text}")
    return "".join(parts)


def _block(block: Block, figures: Mapping[str, str]) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {formatting.markdown(shortened(block.text, _CELL))}\n"
    if isinstance(block, Paragraph):
        text = formatting.markdown(shortened(block.text, _TEXT))
        return f"- {text}\n" if block.listed else f"{_not_a_list(text)}\n"
    if isinstance(block, Verbatim):
        longest = max((len(run) for run in _runs(block.text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"{fence}\n{block.text}\n{fence}\n"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, FigureBlock):
        return _image(block.alt, figures[block.name]) if block.name in figures else ""
    return _image("the images", figures[block.name]) if isinstance(block, Images) and block.name in figures else ""


def _image(alt: str, path: str) -> str:
    return f"![{formatting.markdown(shortened(alt, _CELL))}]({path})\n"


def _not_a_list(text: str) -> str:
    """Escape the start of a paragraph that would make it a list: `-`, `+` or `1.`."""
    head = text.split(" ", 1)[0]
    return f"\\{text}" if text[:1] in "-+=" else text.replace(".", "\\.", 1) if head[:-1].isdigit() else text


def _runs(text: str) -> list[str]:
    """Return the runs of backticks in a text."""
    return "".join(each if each == "`" else " " for each in text).split()


def _table(table: Table) -> str:
    marks = ["---" if left else "---:" for left in table.left]
    lines = [table.header, marks, *table.rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text if set(text) <= {"-", ":"} and len(text) > 2 else formatting.markdown(shortened(text, _CELL))


def ranking_md(name: str, stages: Sequence[StageView]) -> str:
    """Return a Markdown table per stage, to paste into notes."""
    parts = [f"# {formatting.markdown(name)}\n"]
    for stage in stages:
        parts.append(f"\n## {formatting.markdown(stage.name)}\n\n")
        parts.append(_ranking(stage) if stage.rows else "No trials yet.\n")
    return "".join(parts)


def _ranking(stage: StageView) -> str:
    number = [stage.counted] if stage.counted else []
    header = [*stage.headings, *number, *stage.labels, f"{stage.goal.measured}{stage.plus_minus}"]
    header += [
        *(f"{stage.heading(each)} {each.metric}".strip() for each in stage.others),
        *["95% interval"] * stage.intervals,
        *[f"probability {stage.near}"] * bool(stage.near),
    ]
    loss = stage.goal.metric != "loss" and not stage.goal.of_function  # else it is the objective
    best_epoch = [f"best {stage.goal.unit}"] * stage.by_epoch
    header += [*["validation loss"] * loss, *best_epoch, *([f"test {stage.goal.metric}"] if stage.tested else [])]
    texts = [*(["diagnosis"] if stage.diagnosed else []), *(["remark"] if stage.remarked else [])]
    header += texts
    lines = [[formatting.markdown(text) for text in header], ["---" if text in texts else "---:" for text in header]]
    for row in stage.shown:
        number = [str(row.replicates)] if stage.counted else []
        cells = [row.rank, row.trial, *number, *row.values, row.objective]
        cells += [*stage.other_values.get(row.trial_ids[0], ()), *[row.interval] * stage.intervals]
        cells += [row.near or formatting.MISSING] if stage.near else []
        cells += [
            *[row.loss] * loss,
            *[row.best_epoch] * stage.by_epoch,
            *([row.test_objective] if stage.tested else []),
        ]
        cells += [row.diagnosis] if stage.diagnosed else []
        cells += [row.remark] if stage.remarked else []
        lines.append([formatting.markdown(cell) for cell in cells])
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return f"{table}\n{formatting.markdown(stage.caption + stage.left_out)}\n"
