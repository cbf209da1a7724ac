"""Texts that mean harm go through every format of a report: nothing runs, nothing escapes, nothing crashes."""

import csv
import re
import shutil
from html.parser import HTMLParser
from importlib.util import find_spec

import made_study
import pytest
from test_reporting_formats import compile_latex

from hpsearch.reporting import compare_studies, load_results, write_report
from hpsearch.reporting.formats.outline import Heading, outline
from hpsearch.reporting.formats.page import unbroken

HARMFUL = [
    "<img src=x onerror=alert(1)>",
    "../../etc/x",
    "=cmd()",
    r"\input{x}",
    "😀 👩‍🚀 ﷽",
    "שלום مرحبا ‮abc",
    "x" * 10_000,
    r"]{}$%#&_^~\\ \end{longtable} \write18{touch pwned}",
    "| a | `b` ``` [c](javascript:alert(1)) ![](x) </script></style>--> {{ 7 * 191 }}",
    "\x00\x07\x1b[31m\r\n\ttab",
]
FORMATS = ["html", "md", "csv", "tex", "png"]  # not svg: what the page shows is SVG
FORMATS += [name for name, package in (("pdf", "fpdf"), ("parquet", "pyarrow")) if find_spec(package)]


def harmful_study(engine, text):
    """A study whose every text is this one; its name has at most 250 characters, as the study file's rule is."""
    data = {"classes": [text] * 10, "image_shape": [3, 32, 32], "dataset": text, "fingerprint": text}
    clean = text.replace("\x00", "")
    toml = f"description = '''{clean.replace(chr(7), '').replace(chr(27), '').replace(chr(13), '')}'''"
    maker = made_study.Maker(engine, text[:250], data=data, text=toml, environment={text: text}, path=text)
    space = {text: {"low": 1e-5, "high": 0.1, "log": True}, "activation": {"choices": [text, "relu"]}}
    stage = maker.stage(text[:500], "random", space, notes=[text], trials=4)
    for number in range(3):
        trial = maker.trial(stage, number, {text: 10.0 ** -(number + 1), "activation": text}, epochs=3)
        maker.weights(trial, 10)
    maker.unfinished(stage, 3, {"activation": text}, "failed", reason=text)
    return text[:250]


class Tags(HTMLParser):
    """Keeps the tags of a page and the names of their attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.links = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name in ("href", "src", "xlink:href")]


@pytest.mark.parametrize(
    "text",
    [pytest.param(text, id=str(i), marks=[pytest.mark.slow] * (i > 0)) for i, text in enumerate(HARMFUL)],
)
def test_a_harmful_text_is_shown_in_every_format_and_does_nothing(engine, tmp_path, text):
    name = harmful_study(engine, text)
    reports = tmp_path / "reports"
    page = write_report(engine, name, reports, FORMATS)
    assert page.parent.parent == reports
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".db"] == ["reports"]
    assert all(path.resolve().is_relative_to(page.parent) for path in page.parent.rglob("*"))
    assert "pdf" not in FORMATS or page.with_name("report.pdf").read_bytes().startswith(b"%PDF-")
    tags = Tags(page.read_text())
    assert tags.tags.count("script") == 2  # and what it knows of the trials
    assert not any(each.startswith("on") for each in tags.attributes)
    assert all(link.startswith(("data:", "#")) for link in tags.links)
    assert "1337" not in page.read_text()
    with page.with_name("ranking.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not any(cell[:1] in "=@\t\r" for cell in cells if cell)
    for file in ("report.md", "ranking.md"):
        outside_code = re.sub(r"(?ms)^(`{3,})\n.*?^\1$", "", page.with_name(file).read_text())
        assert "<img" not in outside_code
        assert not re.search(r"(?<!\\)\]\(javascript", outside_code)
    if shutil.which("pdflatex"):
        compile_latex(page.with_name("document.tex"))
        assert not (page.parent / "pwned").exists()


def test_no_format_passes_on_control_characters_or_marks_of_direction(engine, tmp_path):
    name = harmful_study(engine, "a\x1b[31m\u202eb")
    page = write_report(engine, name, tmp_path, ["html", "md", "csv", "tex"])
    notebook = load_results(engine, name)._repr_html_()
    texts = {"notebook": notebook} | {file.name: file.read_text("utf-8") for file in page.parent.iterdir()}
    assert [file for file, text in texts.items() if set(text) & {"\x1b", "\u202e"}] == []
    assert r"a\x1b[31m[U+202E]b" in texts["index.html"]
    assert r"a\x1b[31m[U+202E]b" in texts["ranking.csv"]


@pytest.mark.slow
def test_a_comparison_and_a_notebook_show_harmful_names_and_run_nothing(engine, tmp_path):
    names = [harmful_study(engine, text) for text in HARMFUL[:3]]
    page = compare_studies(engine, names, tmp_path / "reports")
    assert page.parent.parent == tmp_path / "reports"
    for text in (page.read_text(), load_results(engine, names[0])._repr_html_()):
        assert "<img src=x" not in text
    assert "<img" not in page.with_name("comparison.md").read_text()
    assert "\n=cmd" not in page.with_name("comparison.csv").read_text()


def test_a_title_reaches_the_other_formats_as_it_is(engine, tmp_path):
    name = harmful_study(engine, HARMFUL[0])
    page = write_report(engine, name, tmp_path)
    assert next(block for block in outline(page.read_text()) if isinstance(block, Heading)).text == HARMFUL[0]


def test_a_command_in_a_sentence_is_code_on_the_page():
    assert unbroken("`audit = 0.1` & 5e-3") == '<code>audit = 0.1</code> &amp; <span class="number">5e-3</span>'
    assert (unbroken("`<b>`"), unbroken("a ` b")) == ("<code>&lt;b&gt;</code>", "a ` b")


def test_the_page_says_where_colours_stand_for_stages_and_where_for_configurations(finished_engine, tmp_path):
    folder = write_report(finished_engine, "coarse-to-fine", tmp_path, ["html", "md"]).parent
    said = "a colour and a mark stand for a configuration or a replicate"
    page, text = (folder / "index.html").read_text("utf-8"), (folder / "report.md").read_text("utf-8")
    assert (said in page, said in text) == (True, False)  # the figures of Markdown have their own legends
    before, after = page.split(said)
    stages = re.compile(r'<li><span class="swatch s0" aria-hidden="true">●</span> coarse</li>')
    assert (bool(stages.search(before)), bool(stages.search(after))) == (True, False)
