"""Puts what the demo showed into README.md and docs/views.md: `python docs/capture.py .demo`, after `make demo`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from imageopt.report.render import render

README = Path(__file__).parents[1] / "README.md"
VIEWS = Path(__file__).parent / "views.md"
WIDTH = 118
WIDTHS = (80, 140)
FINDINGS = 12  # of the analysis' lines, what fits a page
SHOWN = {
    "analyze agent-buildkit": "analysis",
    "gate agent-buildkit --max-unpacked 800MB": "gate",
    "rewrite agent-buildkit": "rewrite",
    "verify agent-buildkit": "verification",
}
INTRODUCTION = """\
# What the terminal shows

The same results on a terminal of 80 columns and on one of 140, without colour. `make demo` makes them, on
`sample_projects/agent-buildkit`; this page is written from them by `python docs/capture.py .demo`.
"""


def main(folder: Path) -> None:
    shown = []
    for command, name in SHOWN.items():
        if command.startswith(("analyze", "verify")):
            shown += [f"$ imageopt {command}", *shortened(lines(folder / f"{name}.json", WIDTH)), ""]
    before, rest = README.read_text("utf-8").split("<!-- demo:begin -->")
    after = rest.split("<!-- demo:end -->")[1]
    block = "\n".join(line.rstrip() for line in shown).rstrip("\n")
    text = f"{before}<!-- demo:begin -->\n```text\n{block}\n```\n<!-- demo:end -->{after}"
    README.write_text(text, encoding="utf-8")
    VIEWS.write_text("\n".join([INTRODUCTION, *views(folder)]), encoding="utf-8")


def views(folder: Path) -> Iterator[str]:
    """Each command at each width."""
    for command, name in SHOWN.items():
        yield f"## imageopt {command}\n"
        for width in WIDTHS:
            view = "\n".join(line.rstrip() for line in shortened(lines(folder / f"{name}.json", width)))
            yield f"{width} columns:\n\n```text\n{view}\n```\n"


def lines(result: Path, width: int) -> list[str]:
    """The terminal's view of a result."""
    document = json.loads(result.read_text("utf-8"))
    return render(document, "terminal", color=False, width=width, plain=False).rstrip("\n").split("\n")


def shortened(shown: list[str]) -> list[str]:
    """The view without its longer lists' ends, each cut said."""
    kept: list[str] = []
    count = 0
    for line in shown:
        count = 0 if not line.strip() else count + 1
        if count <= FINDINGS + 6:
            kept.append(line)
        elif count == FINDINGS + 7:
            kept.append("…")
    return kept


if __name__ == "__main__":
    main(Path(sys.argv[1]))
