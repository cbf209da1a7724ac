"""The page's scripts in headless Chromium: choosing, comparing, filtering and scaling."""

import browser
import made_study
import pytest

from hpsearch.reporting import write_report

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def page(finished_engine, tmp_path_factory):
    return write_report(finished_engine, "coarse-to-fine", tmp_path_factory.mktemp("page"))


@pytest.fixture
def seen(page, tmp_path):
    return lambda script, fragment="": browser.seen(page, script, tmp_path, fragment)


def test_a_link_to_a_trial_lights_it_up_in_a_browser(seen):
    lit, rings = seen("return [all('.lit', (each) => each.dataset.trial), all('.ring').length];", "#trial=fine:3")
    assert len(lit) > 3
    assert set(lit) == {"1:3"}
    assert rings >= 2


def test_a_link_to_no_trial_is_said_and_breaks_nothing(seen):
    said = seen("return [all('.said'), all('.compare svg').length];", "#trial=50%:x&curve=%zz")
    assert said == [["There is no trial 50%:x on this page."], 3]


def test_curves_of_trials_of_any_stage_are_compared_hidden_and_removed(seen):
    names, drawn, hidden, left, address = seen(
        """
        const drawn = () => all('.compare figure:first-child .curve', (each) => each.dataset.trial);
        click('[aria-label="Compare the learning curve of fine:0"]');
        const names = all('.compare .legend label').map((each) => each.split(':').slice(0, 2).join(':').trim());
        const before = drawn();
        click('[aria-label="Show coarse:5"]');
        const hidden = drawn();
        click('[aria-label="Remove coarse:5"]');
        return [names, before, hidden, drawn(), location.hash];
        """,
        "#curve=coarse:5&curve=final:1",
    )
    assert [name.split(" ")[-1] for name in names] == ["coarse:5", "final:1", "fine:0"]
    assert drawn == ["0:5", "2:1", "1:0"]
    assert hidden == left == ["2:1", "1:0"]
    assert address == "#curve=final:1&curve=fine:0"


def test_the_figures_of_all_trials_can_show_the_compared_alone(seen):
    visible = seen(
        """
        click('.compare input[type=checkbox]');
        return all('.all-curves .mark', (each) => each).filter((each) => getComputedStyle(each).display !== 'none')
          .map((each) => each.dataset.trial).filter((each) => each.startsWith('0:'));
        """,
        "#curve=coarse:5&curve=coarse:6",
    )
    assert sorted({*visible}) == ["0:5", "0:6"]


def test_at_most_twelve_curves_are_compared_and_a_name_that_is_none_is_said(seen):
    said, ticked, curves = seen(
        """
        const ticks = [...document.querySelectorAll('#stage-1 td > input')];
        ticks.forEach((each) => each.checked || each.click());
        const said = all('.said')[0];
        const field = document.querySelector('.compare input[list]');
        field.value = 'fine:99';
        field.dispatchEvent(new Event('change'));
        const other = all('.said')[0];
        return [[said, other], ticks.filter((each) => each.checked).length, all('.compare .legend li').length];
        """
    )
    assert said == [
        "At most 12 curves are compared; remove one first.",
        "There is no curve of fine:99 on this page.",
    ]
    assert ticked <= curves == 12


def test_an_axis_becomes_linear_and_logarithmic_again(seen):
    ticks, places, label = seen(
        """
        const figure = document.querySelector('#search figure');
        const look = () => [
          [...figure.querySelectorAll('text[data-part=x]')].map((each) => each.textContent),
          [...figure.querySelectorAll('use.mark')].map((each) => +each.getAttribute('x')),
          figure.querySelector('.scale').textContent];
        const states = [look()];
        for (let time = 0; time < 2; time++) {
          figure.querySelector('.scale').click();
          states.push(look());
        }
        return [0, 1, 2].map((which) => states.map((each) => each[which]));
        """
    )
    assert label == ["λ: logarithmic", "λ: linear", "λ: logarithmic"]
    assert ticks[0] == ticks[2] != ticks[1]
    assert "1e-4, logarithmic" not in ticks[1]
    assert places[0] == pytest.approx(places[2], abs=1e-2)
    middle = sorted(places[0])[len(places[0]) // 2]
    assert sorted(places[1])[len(places[1]) // 2] < middle  # small values come together at the left


def test_a_range_of_an_axis_keeps_the_configurations_within_in_figures_and_tables(seen):
    names, counted, number, rows, faint, free = seen(
        """
        const [from, to] = document.querySelectorAll('.ranges fieldset:first-child input');
        const give = (field, value) => { field.value = value; field.dispatchEvent(new Event('change')); };
        give(from, 2e-4);
        give(to, 8e-3);
        const rows = all('#stage-1 tbody tr', (each) => [each.cells[2].textContent, each.classList.contains('out')]);
        const faint = all('[data-figure="parallel"] .out').length;
        const counted = all('#pairs output')[0];
        click('.keep-all');
        const number = all('#stage-1 tbody tr, #stage-2 tbody tr').length;
        return [all('.ranges legend'), counted, number, rows, faint, all('.out').length];
        """
    )
    assert names == ["λ", "batch size", "accuracy (%)"]
    assert {out for value, out in rows if 2e-4 <= float(value) <= 8e-3} == {False}
    assert {out for value, out in rows if not 2e-4 <= float(value) <= 8e-3} == {True}
    outside = sum(out for _, out in rows)
    assert counted == f"{number - outside} of {number} configurations"
    assert 0 < faint <= outside
    assert free == 0


@pytest.mark.parametrize(("replicates", "test"), [(1, False), (1, True), (3, True)])
def test_rankings_with_long_names_fit_a_window_of_1280_pixels(engine, tmp_path, replicates, test):
    maker = made_study.Maker(engine)
    spaces = {"lambda": {"low": 1e-5, "high": 1e-1, "log": True}, "eta": {"low": 1e-3, "high": 1e-1, "log": True}}
    stage = maker.stage("without flips", "random", spaces, trials=4 * replicates, test=test)
    for number in range(4 * replicates):
        point = number // replicates
        params = {"lambda": 1.234e-4 * 10**point, "eta": 2.345e-3 * (1 + point)}
        which = {"point": point, "replicate": number % replicates}
        maker.trial(stage, number, params, 0.5 - 0.01 * point, epochs=4, test=test, **which)
    page = write_report(engine, "made", tmp_path / "reports")
    script = """
        document.querySelectorAll("details").forEach((each) => { each.open = true; });
        const wide = (each) => each.scrollWidth - each.clientWidth;
        return [wide(document.documentElement), Math.max(...all(".scroll", wide))];"""
    assert browser.seen(page, script, tmp_path, width=1280) == [0, 0]
