"""What every format of a report is made from: the frames, the page, and the figures. May import our figures."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from hpsearch.reporting.figures.style import Plot, collected_plots
from hpsearch.reporting.formats.outline import Block, Images, outline
from hpsearch.reporting.frames import Frames
from hpsearch.reporting.sections.ranking.stage import StageView

Files = dict[str, str | bytes]
"""The content of each file by its path within the report's folder."""


@dataclass(frozen=True)
class Content:
    """One study's report in the requested `formats`; the page is rendered when the first of them needs it."""

    frames: Frames
    stages: Sequence[StageView]
    render: Callable[[], str]
    formats: Collection[str]

    @property
    def page(self) -> str:
        """The HTML page."""
        return self._rendered[0]

    @cached_property
    def blocks(self) -> list[Block]:
        """The page as a sequence of headings, paragraphs, tables and figures."""
        return outline(self.page)

    @cached_property
    def png(self) -> dict[str, bytes]:
        """Each figure as a PNG file, by its name."""
        return self._draw("png")

    @cached_property
    def svg(self) -> dict[str, bytes]:
        """Each figure as an SVG file, by its name."""
        return self._draw("svg")

    @property
    def plots(self) -> dict[str, Plot]:
        """The page's figures by name, in their order."""
        return self._rendered[1]

    @cached_property
    def _rendered(self) -> tuple[str, dict[str, Plot]]:
        with collected_plots() as plots:
            return self.render(), plots

    def _draw(self, file_format: str) -> dict[str, bytes]:
        from hpsearch.reporting.figures import files  # imports matplotlib

        drawn = {name: files.plot_file(plot, file_format) for name, plot in self.plots.items()}
        montages = {block.name: block.images for block in self.blocks if isinstance(block, Images)}
        return drawn | {name: files.montage_file(name, images, file_format) for name, images in montages.items()}
