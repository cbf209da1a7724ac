"""The report in other formats: Markdown, LaTeX, PDF, Parquet, figures as files, and as objects in Python."""

import re
import shutil
import struct
import subprocess
import sys
from xml.etree import ElementTree

import made_study
import pandas as pd
import pytest

import hpsearch
from hpsearch.cli.report import report
from hpsearch.errors import InputError
from hpsearch.reporting import load_results, write_report
from hpsearch.reporting.figures import files
from hpsearch.reporting.figures.files import plot_file
from hpsearch.reporting.formats import latex, pdf, registry
from hpsearch.reporting.formats.csv import ranking_csv
from hpsearch.reporting.formats.outline import FigureBlock, Heading, Images, Paragraph, Table, outline
from hpsearch.reporting.formats.registry import FORMATS, parse_formats
from hpsearch.reporting.sections.ranking.stage import SHOWN
from hpsearch.storage import schema


@pytest.fixture(scope="module")
def folder(finished_engine, tmp_path_factory):
    """A report in which the figures that have as many lines in their legends are copies of one that is drawn."""
    chosen = ("html", "md", "csv", "tex", "png", "svg")
    drawn = {}

    def draw_once(plot, file_format):
        kind = len(plot.legend), plot.size, file_format
        if kind not in drawn:
            drawn[kind] = plot_file(plot, file_format)
        return drawn[kind]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "plot_file", draw_once)
        return write_report(finished_engine, "coarse-to-fine", tmp_path_factory.mktemp("formats"), chosen).parent


def test_formats_are_a_comma_list_and_an_unknown_one_is_answered_with_the_nearest():
    assert parse_formats(" HTML,csv,,html") == ("html", "csv")
    with pytest.raises(InputError, match=r"^--format: 'htlm' is not a format; did you mean 'html'\?$"):
        parse_formats("htlm")
    with pytest.raises(InputError, match="--format must name a format, got ','"):
        parse_formats(",")


@pytest.mark.parametrize(("name", "extra"), [("pdf", "pdf"), ("parquet", "parquet")])
def test_a_format_whose_library_is_missing_names_the_extra(monkeypatch, name, extra):
    monkeypatch.setattr(registry, "find_spec", lambda library: None if library in ("fpdf", "pyarrow") else library)
    with pytest.raises(InputError, match=rf"not installed: pip install 'hpsearch\[{extra}\]'"):
        parse_formats(name)
    assert parse_formats("html") == ("html",)


def test_the_help_of_the_command_names_every_format():
    option = next(each for each in report.params if each.name == "formats")
    assert all(re.search(rf"\b{name}\b", option.help) for name in FORMATS)


def test_the_outline_has_the_headings_tables_and_figures_of_the_page(folder):
    blocks = outline((folder / "index.html").read_text())
    titles = [block.text for block in blocks if isinstance(block, Heading)]
    assert titles[0] == "coarse-to-fine"
    assert {"Rankings", "coarse", "fine", "final", "Provenance", "The study file"} <= set(titles)
    ranking = next(block for block in blocks if isinstance(block, Table) and block.header[0] == "rank")
    assert ranking.header[:3] == ("rank", "trial", "λ")
    assert len(ranking.rows) == 12
    assert ranking.left[-1]
    assert not ranking.left[0]
    assert "search lambda" in [block.name for block in blocks if isinstance(block, FigureBlock)]
    (montage,) = (block for block in blocks if isinstance(block, Images))
    assert (montage.name, len(montage.images)) == ("weights", 50)
    assert montage.images[0][0].startswith("unit 1 ")


def test_the_markdown_shows_every_figure_that_was_written(folder):
    text = (folder / "report.md").read_text()
    paths = re.findall(r"\]\((figures/[^)]+)\)", text)
    assert sorted(folder / path for path in paths) == sorted((folder / "figures").glob("*.png"))
    assert "| rank | trial | λ |" in text
    assert text.startswith("# coarse-to-fine\n")


def test_figures_are_png_and_svg_files_on_white_with_their_legends(folder):
    image = (folder / "figures" / "search-lambda.png").read_bytes()
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", image[16:24])
    assert (width, height) > (900, 700)
    for path in (folder / "figures").glob("*.svg"):
        assert ElementTree.parse(path).getroot().tag.endswith("svg")
        assert "var(--" not in path.read_text()


@pytest.mark.slow
def test_figures_have_the_same_bytes_again(finished_engine, tmp_path):
    first, again = (
        write_report(finished_engine, "coarse-to-fine", tmp_path / each, ("png", "svg", "tex")).parent for each in "ab"
    )
    assert len({path.read_bytes() for path in first.rglob("*.png")}) == len(list(first.rglob("*.png"))) > 10
    for path in again.rglob("*.*"):
        assert path.read_bytes() == (first / path.relative_to(again)).read_bytes()


@pytest.mark.slow
def test_the_pdf_has_the_same_bytes_again(finished_engine, tmp_path):
    pytest.importorskip("fpdf", reason="fpdf2 is not installed (the extra pdf)")
    made = [write_report(finished_engine, "coarse-to-fine", tmp_path / each, ("pdf",)) for each in "ab"]
    assert made[0].read_bytes() == made[1].read_bytes()


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is missing")
def test_the_latex_document_compiles(folder):
    compile_latex(folder / "document.tex")


def compile_latex(path):
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", path.name]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:].decode(errors="replace")


def test_the_latex_tables_stand_alone(folder):
    text = (folder / "tables.tex").read_text()
    assert text.count(r"\begin{longtable}") == text.count(r"\bottomrule") >= 3
    assert r"\documentclass" not in text
    assert r"\ensuremath{\lambda}" in text


@pytest.mark.parametrize("character", [*latex._MATHS, *latex._COMMANDS])
def test_no_character_of_latex_is_left_active(character):
    assert latex.escape(character) != character or character == " "


@pytest.mark.slow
def test_the_pdf_has_pages(finished_engine, tmp_path):
    pytest.importorskip("fpdf", reason="fpdf2 is not installed (the extra pdf)")
    file = write_report(finished_engine, "coarse-to-fine", tmp_path, ("pdf",))
    assert file.name == "report.pdf"
    assert file.read_bytes().startswith(b"%PDF-")
    assert file.read_bytes().count(b"/Type /Page\n") > 3


def test_in_a_pdf_a_heading_is_on_the_page_of_the_one_below_it():
    pytest.importorskip("fpdf", reason="fpdf2 is not installed (the extra pdf)")
    for lines in range(30, 42):  # so that the headings come to the end of the page
        blocks = [*[Paragraph("text")] * lines, Heading(2, "Rankings"), Heading(3, "coarse"), Paragraph("text")]
        first, second = re.findall(rb"/Dest \[(\d+) 0 R", pdf.document("made", blocks, {}))
        assert first == second


def test_parquet_has_the_frames_with_their_types(finished_engine, finished, tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed (the extra parquet)")
    folder = write_report(finished_engine, "coarse-to-fine", tmp_path, ("parquet",)).parent
    ranking = pd.read_parquet(folder / "ranking.parquet")
    assert ranking["lambda"].tolist() == [params["lambda"] for params in finished.trials["params"]]
    assert ranking["rank"].isna().sum() == 1
    assert len(pd.read_parquet(folder / "curves.parquet")) == len(finished.curves)
    assert len(pd.read_parquet(folder / "stages.parquet")) == 3


@pytest.mark.long
def test_results_give_the_frames_and_show_themselves_in_a_notebook(finished_engine, finished):
    found = load_results(finished_engine, "coarse-to-fine")
    assert found.ranking.columns.tolist() == ranking_csv(finished).split("\n")[0].split(",")
    assert len(found.trials) == len(found.ranking) == 25
    assert repr(found) == "<hpsearch study 'coarse-to-fine': 25 trials, complete>"
    shown = found._repr_html_()
    assert "Best configuration of the last search stage" in shown
    assert shown.count("<img ") == 2
    assert found.figures["search lambda"].png().startswith(b"\x89PNG")


def test_load_reads_a_database_by_its_url(finished_engine):
    pytest.importorskip("optuna")
    with finished_engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT OR IGNORE INTO hpsearch_version VALUES ({schema.SCHEMA_VERSION})")
    found = hpsearch.load("coarse-to-fine", storage=f"sqlite:///{finished_engine.url.database}")
    assert found.name == "coarse-to-fine"


def test_importing_hpsearch_imports_nothing_heavy():
    code = "import sys, hpsearch; print({'pandas', 'matplotlib', 'numpy', 'sqlalchemy', 'optuna'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_a_table_of_many_rows_ends_and_says_so(engine, tmp_path):
    maker = made_study.Maker(engine)
    stage = maker.stage("one", "random", {"lambda": {"low": 1e-3, "high": 1.0, "log": True}})
    rows = [
        {"stage_id": stage, "number": i, "params": {"lambda": (i + 1) / 1000}, "validation": i / 1000}
        for i in range(SHOWN + 50)
    ]
    maker.insert_finished(rows)
    page = write_report(engine, "made", tmp_path)
    assert f"The table shows the first {SHOWN} of {SHOWN + 50} rows" in page.read_text()
    assert len(page.with_name("ranking.csv").read_text().splitlines()) == SHOWN + 51
    assert page.with_name("ranking.md").read_text().count("\n| ") < SHOWN + 10
