"""Pictures of the HTML page in docs/pictures: `python docs/pictures.py .demo`, after `make demo`; it takes Chromium."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from chromium import Page, chromium

from imageopt.report.render import render

PICTURES = Path(__file__).parent / "pictures"
OPEN = "[...document.querySelectorAll('.tabs button')].find((one) => one.textContent === {!r})?.click()"
FROM_MAP = "document.querySelector('[data-of]').previousElementSibling.previousElementSibling.scrollIntoView()"


def main(folder: Path) -> None:
    """Takes each picture there is a result for."""
    PICTURES.mkdir(exist_ok=True)
    with chromium() as page:
        page.call("Emulation.setDeviceMetricsOverride", width=1080, height=900, deviceScaleFactor=1, mobile=False)
        page.call("Emulation.setScrollbarsHidden", hidden=True)
        for name in ("analysis", "verification"):
            result = folder / f"{name}.json"
            if result.is_file():
                shown(page, result, folder / f"{name}.html")
                for scheme in ("light", "dark"):
                    page.call(
                        "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
                    )
                    (PICTURES / f"{name}-{scheme}.png").write_bytes(page.picture())


def shown(page: Page, result: Path, path: Path) -> None:
    """Opens the page: of an analysis the layers, of a verification the application's folder."""
    document = json.loads(result.read_text("utf-8"))
    path.write_text(render(document, "html", color=False, width=None, plain=True), "utf-8")
    page.open(path)
    page.value(OPEN.format("by layer" if "image" in document else "by path"))
    if "image" not in document:
        page.value(FROM_MAP)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
