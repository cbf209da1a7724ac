"""The files of a report: complete, deterministic, self-contained, at any time of a study's life."""

import csv
import re
import subprocess
import sys
from html.parser import HTMLParser

import made_study
import pytest

from hpsearch.errors import InputError, StorageError
from hpsearch.files import write_atomically
from hpsearch.reporting import write_report
from hpsearch.reporting.files import folder_name
from hpsearch.storage import schema


class Page(HTMLParser):
    """Checks that tags close, and keeps what a browser would fetch, identifiers, tags and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.fetched, self.ids, self.tags, self.text = [], [], [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [value for key, value in attrs if key == "id"]
        self.fetched += [value for key, value in attrs if key in ("src", "href", "xlink:href") and value[0] != "#"]
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def folder(finished_engine, tmp_path_factory):
    return write_report(finished_engine, "coarse-to-fine", tmp_path_factory.mktemp("reports")).parent


@pytest.fixture(scope="module")
def drawn_page(finished_engine, tmp_path_factory):
    return write_report(finished_engine, "coarse-to-fine", tmp_path_factory.mktemp("drawn")).read_text()


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_report_is_five_files_in_a_folder_of_the_studys_name(folder):
    assert folder.name == "coarse-to-fine"
    files = ["index.html", "ranking.csv", "ranking.md", "report.md", "timings.csv"]
    assert sorted(path.name for path in folder.iterdir()) == files


def test_writing_again_gives_the_same_bytes(folder, finished_engine, tmp_path):
    again = write_report(finished_engine, "coarse-to-fine", tmp_path).parent
    for path in folder.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes()


def test_ranking_csv_has_a_row_per_trial_with_the_hyperparameters(folder):
    content = rows(folder / "ranking.csv")
    assert len(content) == 25
    assert {"lambda", "batch_size"} < content[0].keys()
    assert (content[0]["stage"], content[0]["rank"]) == ("coarse", "1")
    assert content[11]["reason"] == "loss became NaN in epoch 3"
    assert content[11]["rank"] == content[11]["validation_accuracy"] == content[0]["test_accuracy"] == ""
    assert float(content[-1]["test_accuracy"]) == pytest.approx(0.514, abs=0.02)
    assert b"\r" not in (folder / "ranking.csv").read_bytes()


@pytest.mark.slow
def test_timings_csv_has_what_differs_from_run_to_run(folder):
    content = rows(folder / "timings.csv")
    assert content[3] == {"stage": "coarse", "trial": "coarse:3", "seconds": "1.2", "epochs_done": "3"}


def test_ranking_md_has_a_table_per_stage_with_as_many_cells_in_every_line(folder):
    sections = (folder / "ranking.md").read_text().split("\n## ")[1:]
    assert [section.split("\n")[0] for section in sections] == ["coarse", "fine", "final"]
    for section in sections:
        lines = [line for line in section.split("\n") if line.startswith("|")]
        assert len({line.count("|") for line in lines}) == 1


def test_the_page_is_well_formed_and_fetches_nothing(drawn_page):
    page = Page(drawn_page)
    assert all(value.startswith("data:") for value in page.fetched)
    assert len(page.ids) == len(set(page.ids))
    assert not re.search(r"url\(\s*['\"]?(?!#)", drawn_page)
    assert page.tags.count("img") == 50


def test_every_figure_has_a_text_in_its_place_and_every_reference_its_target(drawn_page):
    page = Page(drawn_page)
    figures = re.findall(r'<svg role="img" aria-label="([^"]+)"', drawn_page)
    assert len(figures) == 1 + 1 + 2 + 1 + 1 + 1 + 1 + 1 + 2 + 4 + 4
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', drawn_page)) <= set(page.ids)


def test_the_summary_says_what_was_found_and_how_sure_it_is(folder):
    text = " ".join(Page((folder / "index.html").read_text()).text.split())
    assert "The study is complete: 24 of 25 trials in 3 stages finished, 1 failed." in text
    assert re.search(r"Best configuration of the last search stage \(fine\): λ = \S+e-[34], batch size = 200\.", text)
    assert re.search(
        r"Of the 9 other configurations of that stage, \d (is|are) not statistically distinguishable from it", text
    )
    assert re.search(r"with 3 seeds, .* has a test accuracy of 5\d\.\d\d% ± 0\.\d\d", text)
    assert "Test-set evaluations: 3 (3 in final), after all configurations had been chosen." in text


@pytest.mark.parametrize(
    ("fine", "said"), [(0.4, True), (0.5, False), pytest.param(0.6, False, marks=pytest.mark.slow)]
)
def test_a_higher_value_of_an_earlier_stage_is_reported(engine, tmp_path, fine, said):
    maker = made_study.Maker(engine)
    for name, accuracy in (("coarse", 0.5), ("fine", fine)):
        stage = maker.stage(name, "list", None)
        for number, eta in enumerate((0.1, 0.01)):
            maker.trial(stage, number, {"lambda": 0.0, "eta": eta}, accuracy - number / 10)
    text = " ".join(Page(write_report(engine, "made", tmp_path).read_text()).text.split())
    earlier = r"The best of an earlier stage has a higher validation accuracy: \S+ with λ = 0, η = 0.10 in coarse"
    assert bool(re.search(earlier, text)) == said


def test_test_set_evaluations_before_the_choice_are_counted_with_a_warning(engine, tmp_path):
    maker = made_study.Maker(engine)
    table = maker.stage("table", "list", None, test=True)
    for number, (decay, eta) in enumerate([(0, 0.1), (0, 0.001), (0.1, 0.001)]):
        maker.trial(table, number, {"lambda": decay, "eta": eta}, 0.3 + decay, test=True)
    text = Page(write_report(engine, "made", tmp_path).read_text()).text
    assert "Test-set evaluations: 3 (3 in table); all before the best configuration was chosen." in text
    assert "Its test accuracy is" in text


def test_the_page_says_what_the_loss_is_and_has_short_headings_for_hyperparameters(engine, tmp_path):
    maker = made_study.Maker(engine)
    configuration = {"model": {}, "training": {"loss": "hinge"}}
    params = {"optimiser.momentum": 0.9, "schedule.eta_max": 0.1, "optimiser": {"kind": "adam", "beta1": 0.8}}
    maker.trial(maker.stage("table", "list", None), 0, params, configuration=configuration)
    page = write_report(engine, "made", tmp_path)
    text = " ".join(Page(page.read_text()).text.split())
    assert "The loss is mean multi-class hinge loss; the cost is the loss plus" in text
    assert "cross-entropy" not in text
    assert "momentum = 0.9, η max = 0.1, optimiser = adam, β₁ = 0.8" in text
    assert {"optimiser.momentum", "schedule.eta_max"} < rows(page.with_name("ranking.csv"))[0].keys()


def started(engine):
    """A study that has just begun: one stage waits for the other."""
    maker = made_study.Maker(engine, state="running")
    stage = maker.stage(
        "coarse", "random", {"lambda": {"low": 1e-5, "high": 0.1, "log": True}}, state="running", trials=3
    )
    maker.stage("fine", "grid", None, state="waiting")
    return maker, stage


def test_a_study_without_any_trial_has_a_report(engine, tmp_path):
    started(engine)
    text = Page(write_report(engine, "made", tmp_path).read_text()).text
    assert "No trial has finished yet, so there is no best configuration." in text
    assert "No trials yet: this stage has not begun." in text


def test_running_and_waiting_trials_are_listed_without_rank(engine, tmp_path):
    maker, stage = started(engine)
    maker.trial(stage, 0, {"lambda": 1e-3}, state="running", epochs_done=7, epochs=12)
    maker.unfinished(stage, 1, {"lambda": 1e-2}, "waiting")
    page = write_report(engine, "made", tmp_path)
    text = Page(page.read_text()).text
    assert "running, epoch 7 of 12 done" in text
    assert "is not finished (running): 0 of 2 trials in 2 stages finished so far" in text
    assert [row["rank"] for row in rows(page.with_name("ranking.csv"))] == ["", ""]


def test_one_finished_trial_is_the_best_so_far(engine, tmp_path):
    maker, stage = started(engine)
    maker.trial(stage, 0, {"lambda": 1e-3})
    text = Page(write_report(engine, "made", tmp_path).read_text()).text
    assert "(coarse) so far: λ = 0.001" in text
    assert "No trial has been evaluated on the test set." in text


def test_a_study_whose_trials_all_failed_has_a_report(engine, tmp_path):
    maker, stage = started(engine)
    for number in range(3):
        maker.unfinished(
            stage, number, {"lambda": 0.1}, "failed", reason="loss became infinite in epoch 1", epochs_done=1
        )
    text = Page(write_report(engine, "made", tmp_path).read_text()).text
    assert "coarse:0, coarse:1, coarse:2: loss became infinite in epoch 1" in text


@pytest.mark.parametrize("name", ["coarse-to-fin", ""])
def test_an_unknown_study_is_an_error_and_writes_nothing(finished_engine, tmp_path, name):
    with pytest.raises(StorageError, match="does not exist"):
        write_report(finished_engine, name, tmp_path / "reports")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_an_error_of_one_line(engine, tmp_path):
    made_study.Maker(engine)
    (tmp_path / "reports").write_text("a file, not a directory")
    with pytest.raises(InputError, match="the report cannot be written"):
        write_report(engine, "made", tmp_path / "reports")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "index.html"
    write_atomically(path, "first")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "second \ud800")
    assert path.read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


@pytest.mark.parametrize(
    "name", ["..", ".", "/", "a/b", "a\\b", "../../etc", "C:", "x" * 512, "名" * 300, "a\nb", "-", "~"]
)
def test_a_name_never_leaves_the_directory(name, tmp_path):
    folder = folder_name(name)
    assert (tmp_path / folder).parent == tmp_path
    assert folder not in ("", ".", "..")
    assert not set(folder) & set("/\\:\n\0")
    assert len(folder.encode()) < 255


def test_two_names_have_two_folders():
    names = ["a b", "a-b", "a/b", "", "study", "x" * 90, "x" * 91]
    assert len({folder_name(name) for name in names}) == len(names) - 1  # the empty name is called "study"


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, hpsearch.reporting; print({'pandas', 'matplotlib', 'scipy', 'jinja2'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


@pytest.mark.slow
def test_pyplot_is_not_needed(finished_engine, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # importing it would fail
    assert write_report(finished_engine, "coarse-to-fine", tmp_path).exists()


EVIL = "<script>alert(1)</script>&\"'| $x_1$ --> ]]> {{ 1234 * 7 }} 名 \x08"


def test_foreign_text_is_shown_and_never_run(engine, tmp_path):
    data = {"classes": [EVIL] * 10, "image_shape": [3, 32, 32], "dataset": EVIL, "fingerprint": EVIL}
    text = f"description = '''{EVIL[:-1].replace(chr(39), '')}'''"
    maker = made_study.Maker(engine, EVIL, data=data, text=text, environment={EVIL: EVIL}, path=EVIL)
    space = {EVIL: {"low": 1e-5, "high": 0.1, "log": True}}
    stage = maker.stage(EVIL, "random", space, notes=[EVIL], trials=3)
    for number in range(3):
        trial = maker.trial(stage, number, {EVIL: 10.0 ** -(number + 1), "activation": EVIL})
        maker.weights(trial, 10)
    maker.unfinished(stage, 3, {"activation": "=1+1"}, "failed", reason=f"={EVIL}")
    page = write_report(engine, EVIL, tmp_path)
    parsed = Page(page.read_text())
    assert parsed.tags.count("script") == 2  # and what it knows of the trials
    assert "alert(1)" in parsed.text
    assert "8638" not in parsed.text
    assert page.parent.parent == tmp_path
    assert any(row["reason"].startswith("'=") for row in rows(page.with_name("ranking.csv")))
    assert "<script" not in page.with_name("ranking.md").read_text()


def test_a_hyperparameter_with_the_name_of_a_column_has_a_column_of_its_own(engine, tmp_path):
    maker = made_study.Maker(engine)
    maker.trial(maker.stage("one", "list", None), 0, {"rank": 5})
    content = rows(write_report(engine, "made", tmp_path).with_name("ranking.csv"))
    assert (content[0]["rank"], content[0]["configuration.rank"]) == ("1", "5")


def test_trials_without_predictions_are_not_compared(engine, tmp_path):
    maker = made_study.Maker(engine)
    stage = maker.stage("one", "list", None)
    for number in range(2):
        maker.trial(stage, number, {"lambda": 0.1 * number}, 0.5 - 0.1 * number)
    with engine.begin() as connection:
        connection.execute(schema.predictions.delete())
    text = Page(write_report(engine, "made", tmp_path).read_text()).text
    assert "not compared: its predictions were not stored" in text
