"""The HTML page in a real browser: it can be opened with mouse and keyboard, asks for nothing, and names stay text."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import Page, chromium
from msgspec.structs import replace

from imageopt.report.analysis import analysis_document
from imageopt.report.render import render
from imageopt.report.verification import verification_document
from imageopt.rules.model import Analysis
from imageopt.verify.model import Verification

pytestmark = [pytest.mark.browser, pytest.mark.slow]
EVIL = "</script><img src=x onerror=document.title='evil'><b>&lt;"
TILES = "[...document.querySelectorAll('.tile')].map(tile => tile.title)"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium() as tab:
        yield tab


def opened(page: Page, document: dict[str, Any], folder: Path) -> None:
    path = folder / "page.html"
    path.write_text(render(document, "html", color=False, width=None, plain=True), "utf-8")
    page.open(path)
    assert page.requests == [path.as_uri()]
    assert page.errors == []


def click(page: Page, text: str) -> None:
    """Clicks the button that says so."""
    found = page.value(
        "(() => { const one = [...document.querySelectorAll('button')].find(button => "
        f"(button.querySelector('b') || button).textContent === {json.dumps(text)}); one?.click(); return Boolean(one); }})()"
    )
    assert found, text


@pytest.fixture
def document(analysis: Analysis) -> dict[str, Any]:
    shown = copy.deepcopy(analysis_document(analysis))
    shown["image"]["packages"] = [
        {
            "manager": "npm",
            "items": [{"name": EVIL, "version": "1", "bytes": 7}, {"name": "b", "version": "2", "bytes": 3}],
        }
    ]
    shown["image"]["folders"].append(
        {"path": f"/app/{EVIL}", "layer": 3, "bytes": 90_000_000, "wasted_bytes": 0, "file_count": 1}
    )
    return shown


def test_the_map_is_opened_by_path_layer_package_and_kind(page: Page, document: dict[str, Any], tmp_path: Path) -> None:
    opened(page, document, tmp_path)
    assert [title.partition(":")[0] for title in page.value(TILES)] == ["app", "usr"]
    click(page, "app")
    assert page.value("document.querySelector('.crumbs').textContent") == "/›app"
    assert "data.bin: 80.0 MB, 20.5 %, 40.0 MB of it wasted" in page.value(TILES)
    assert page.value("document.querySelector('figcaption').textContent") == "390 MB, 60.0 MB wasted"
    click(page, "/")
    click(page, "by layer")
    assert page.value(TILES)[0].startswith("layer 3: 290 MB, 59.2 %")
    click(page, "layer 2")
    assert page.value(TILES) == ["app: 60.0 MB, 100.0 %, 60.0 MB of it wasted"]
    click(page, "by package")
    click(page, "npm")
    assert len(page.value(TILES)) == 2
    click(page, "by kind")
    assert page.value("document.querySelectorAll('.map')[0].getAttribute('aria-label')") == "all bytes"
    assert page.value(TILES)[0].startswith("development dependencies: 200 MB, 50.0 %; Dockerfile:4")
    assert page.errors == []


def test_a_keyboard_and_a_screen_reader_get_everything(page: Page, document: dict[str, Any], tmp_path: Path) -> None:
    opened(page, document, tmp_path)
    page.value("document.querySelector('.tile').focus()")
    page.press("Enter")
    assert page.value("document.querySelector('[aria-current]').textContent") == "app"
    assert page.value("document.activeElement.tagName") == "BUTTON"
    assert page.value("document.querySelector('[role=status]').textContent").startswith("app: 390 MB in ")
    page.press("Escape")
    assert page.value("document.querySelector('[aria-current]').textContent") == "/"
    unnamed = "[...document.querySelectorAll('.tile')].filter(one => !one.getAttribute('aria-label')).length"
    assert page.value(unnamed) == 0
    assert page.value("document.querySelector('.tabs button').getAttribute('aria-pressed')") == "true"
    rows = (
        "[...document.querySelectorAll('[data-of] tr')].map(row => row.innerText.trim().split(/\\s*\\t\\s*/).join(' '))"
    )
    page.value("document.querySelector('[data-of] details').open = true")
    assert page.value(rows) == ["bytes path", "390 MB app", "100 MB usr"]


def test_markup_in_names_stays_text(page: Page, document: dict[str, Any], tmp_path: Path) -> None:
    opened(page, document, tmp_path)
    click(page, "app")
    click(page, EVIL.partition("/")[0])
    assert page.value("document.title") == f"imageopt: {document['target']['reference']}"
    assert page.value("document.images.length + document.querySelectorAll('.tile img').length") == 0
    assert page.value("document.querySelector('[aria-current]').textContent") == "<"
    assert page.errors == []


def test_no_other_script_runs(page: Page, document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    text = render(document, "html", color=False, width=None, plain=True)
    path.write_text(text.replace("<h1>", "<script>document.title = 'evil'</script><h1>"), "utf-8")
    page.open(path)
    assert page.value("document.title") != "evil"
    assert any("Content Security Policy" in error for error in page.errors)


def test_before_and_after_stand_side_by_side_at_one_scale(
    page: Page, verification: Verification, tmp_path: Path
) -> None:
    evidence = verification.after.evidence
    assert evidence is not None
    assert evidence.image is not None
    image = replace(evidence.image, files=evidence.image.files[:1])
    after = replace(verification.after, evidence=replace(evidence, image=image))
    opened(page, verification_document(replace(verification, after=after), 1.0), tmp_path)
    captions = page.value("[...document.querySelectorAll('figcaption')].map(one => one.textContent)")
    assert captions == ["before: 400 MB, 70.0 MB wasted", "after: 90.0 MB"]
    areas = page.value("[...document.querySelectorAll('.map')].map(one => one.clientWidth * one.clientHeight)")
    assert areas[1] / areas[0] == pytest.approx(90 / 400, rel=0.02)
    click(page, "app")
    captions = page.value("[...document.querySelectorAll('figcaption')].map(one => one.textContent)")
    assert captions == ["before: 300 MB, 60.0 MB wasted", "after: 0 B"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_schemes(page: Page, document: dict[str, Any], tmp_path: Path, scheme: str) -> None:
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    opened(page, document, tmp_path)
    colors = page.value(CONTRASTS)
    assert (
        page.value("getComputedStyle(document.body).backgroundColor")
        == {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 22, 28)"}[scheme]
    )
    assert colors
    assert min(colors) >= 4.5  # WCAG 2, AA
    page.call("Emulation.setEmulatedMedia", features=[])


CONTRASTS = """(() => {
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map((one) => one / 255)
      .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one) => {
    let under = one;
    while (getComputedStyle(under).backgroundColor === "rgba(0, 0, 0, 0)") under = under.parentElement || document.body;
    const both = [light(getComputedStyle(one).color), light(getComputedStyle(under).backgroundColor)].sort((a, b) => b - a);
    return (both[0] + 0.05) / (both[1] + 0.05);
  };
  return [...document.querySelectorAll(".tile b, p, th, td, .tabs button, .crumbs *, figcaption, footer")].map(ratio);
})()"""


def test_paper_has_the_map_and_no_buttons(page: Page, document: dict[str, Any], tmp_path: Path) -> None:
    opened(page, document, tmp_path)
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.value("getComputedStyle(document.querySelector('.tabs')).display") == "none"
    assert page.value("getComputedStyle(document.querySelector('.tile')).printColorAdjust") == "exact"
    page.call("Emulation.setEmulatedMedia", media="")


def test_a_narrow_window_is_not_scrolled_sideways_and_breaks_no_word(
    page: Page, document: dict[str, Any], verification: Verification, tmp_path: Path
) -> None:
    page.call("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=False)
    for shown in (document, verification_document(verification, 1.0)):
        opened(page, shown, tmp_path)
        assert page.value("document.documentElement.scrollWidth") <= 390
        page.value("[...document.querySelectorAll('details')].forEach((one) => { one.open = true; })")
        assert page.value(BROKEN) == []
    page.call("Emulation.clearDeviceMetricsOverride")


# the short words of the tables that stand on two lines
BROKEN = """(() => {
  const found = [];
  for (const cell of document.querySelectorAll("td")) {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      for (const word of walker.currentNode.data.matchAll(/[A-Za-z:0-9]{3,24}/g)) {
        const range = document.createRange();
        range.setStart(walker.currentNode, word.index);
        range.setEnd(walker.currentNode, word.index + word[0].length);
        if (range.getClientRects().length > 1) found.push(word[0]);
      }
    }
  }
  return found;
})()"""


def test_a_page_of_a_big_image_is_small_and_soon_there(page: Page, document: dict[str, Any], tmp_path: Path) -> None:
    """As many rows as there can be at most: so many folders, and a thousand packages of each of four managers."""
    image = document["image"]
    image["folders"] = [
        {
            "path": f"/usr/lib/node_modules/package-{number % 70}/folder-{number}",
            "layer": number % 5,
            "bytes": 10**6 + number,
            "wasted_bytes": 0,
            "file_count": 25,
        }
        for number in range(5_000)
    ]
    items = [{"name": f"package-{number}", "version": "1.0.0", "bytes": number} for number in range(2_000, 0, -1)]
    image["packages"] = [{"manager": name, "items": items} for name in ("npm", "dpkg", "python", "composer")]
    page.call("Performance.enable", timeDomain="threadTicks")  # the page's own work, whatever else the machine does
    before = work(page)
    opened(page, document, tmp_path)
    assert (tmp_path / "page.html").stat().st_size < 3_000_000
    click(page, "by package")
    assert work(page) - before < 1


def work(page: Page) -> float:
    """Seconds that the page's thread has worked so far."""
    metrics = page.call("Performance.getMetrics")["metrics"]
    return next(float(metric["value"]) for metric in metrics if metric["name"] == "TaskDuration")
