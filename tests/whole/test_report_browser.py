"""The report in Chromium: no fault, every figure drawn, nothing asked for, tables inside the page;
faults are seen.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest

from obcat.report import COLUMN, WIDTH, figures
from obcat.report.figures import BEST_FIGURES, FIGURES
from obcat.report.page import report
from tests.figures import png_alone
from tests.whole.browser import Opened, chromium, launched, left_the_page
from tests.whole.small import copy_build

pytestmark = pytest.mark.slow

WIDTHS = "[...document.images].map(i => i.complete ? i.naturalWidth : 0)"
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def html(first, files, tmp_path_factory) -> Path:
    """The report of the small build, its truth beside it; its PDFs no browser opens."""
    chromium()
    folder = tmp_path_factory.mktemp("report")
    copy_build(first, folder, "obcat.duckdb")
    shutil.copytree(files.parent / "truth", folder / "truth")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(figures, "image_of", png_alone)
        report(folder / "obcat.duckdb", folder / "report")
    return folder / "report" / "index.html"


@pytest.fixture(scope="module")
def browser():
    with launched() as started:
        yield started


def opened(browser: Any, path: Path, width: int = 1300) -> Opened:
    page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
    found = Opened(page)
    page.context.on("request", lambda request: found.requests.append(request.url))
    page.on("pageerror", lambda error: found.faults.append(str(error)))
    page.on(
        "console", lambda said: found.faults.append(said.text) if said.type == "error" else None
    )
    page.goto(path.as_uri(), wait_until="load")
    return found


def test_report_opens_without_a_fault_and_shows_every_figure(browser, html):
    found = opened(browser, html)
    assert found.faults == []
    assert left_the_page(found) == []
    widths = found.page.evaluate(WIDTHS)
    assert len(widths) == len(FIGURES) + len(BEST_FIGURES)
    assert found.page.locator("#best ~ figure").count() == len(BEST_FIGURES)
    assert found.page.get_by_text("Not drawn:").count() <= 1  # few stars: a map of R_V may be empty
    assert min(widths) > 600
    assert found.page.evaluate(TOO_WIDE) <= 0
    assert found.page.locator(".kind").inner_text().startswith("SIMULATED")


def test_report_reads_on_a_phone(browser, html):
    """Nothing is wider than the screen but tables, and figures as wide as a page of a journal, which
    scroll by themselves; a figure as wide as a column fits.
    """
    page = opened(browser, html, 390).page
    assert page.evaluate(TOO_WIDE) <= 0
    widths = set(page.evaluate("[...document.images].map(i => i.clientWidth)"))
    assert widths == {round(inches * 96) for inches in (COLUMN, WIDTH)}
    assert min(widths) <= 390
    wide = "[...document.querySelectorAll('table, img')].every(t => t.closest('.wide'))"
    assert page.evaluate(wide)


def test_report_says_where_the_method_fails_and_by_how_much(browser, html):
    page = opened(browser, html).page
    title = page.locator("#fails").inner_text()
    assert "SIMULATED" in title
    assert "where the method fails" in title
    labels = page.locator("#fails + p + .wide td:first-child").all_inner_texts()
    for wanted in (
        "late-B primary, single",
        "Be",
        "parallax S/N > 10, M_true -2 to -1",
        "binaries, no emission",
    ):
        assert wanted in labels
    assert page.locator("#truth").count() == 1
    headings = page.locator("h3").all_inner_texts()
    assert sum("(SIMULATED)" in text for text in headings) >= 25


def test_verdicts_are_words_and_not_colours_alone(browser, html):
    page = opened(browser, html).page
    for verdict, mark in (("within", "✓"), ("outside", "✗")):
        assert all(
            text.startswith(mark) for text in page.locator(f"td.{verdict}").all_inner_texts()
        )
    assert page.locator("td.within, td.outside").count() >= 6


@pytest.mark.parametrize("fault", ["broken figure", "script", "from outside"])
def test_faults_of_a_page_are_seen(browser, html, tmp_path, fault):
    """Planted: a figure that is no picture, a script (which the page forbids itself),
    a picture from elsewhere.
    """
    text = html.read_text(encoding="utf-8")
    if fault == "broken figure":
        text = text.replace("data:image/png;base64,", "data:image/png;base64,AAAA", 1)
    elif fault == "script":
        text = text.replace("</body>", "<script>document.title = 'taken'</script></body>")
    else:
        text = text.replace("</body>", '<img src="https://example.invalid/x.png"></body>')
    path = tmp_path / "index.html"
    path.write_text(text, encoding="utf-8")
    found = opened(browser, path)
    if fault == "broken figure":
        assert min(found.page.evaluate(WIDTHS)) == 0
    else:
        assert found.faults
        assert found.page.title() != "taken"
