"""Puts what the demo showed into README.md: `python docs/capture.py .demo`, after `make demo`."""

import json
import sys
from pathlib import Path

from imageopt.report.render import render

README = Path(__file__).parents[1] / "README.md"
WIDTH = 118
FINDINGS = 12  # of the analysis' lines, what fits a page


def main(folder: Path) -> None:
    shown = []
    for command, name in (("analyze", "analysis"), ("verify", "verification")):
        document = json.loads((folder / f"{name}.json").read_text("utf-8"))
        text = render(document, "terminal", color=False, width=WIDTH, plain=False)
        shown += [f"$ imageopt {command} agent-buildkit", *shortened(text.rstrip("\n").split("\n")), ""]
    before, rest = README.read_text("utf-8").split("<!-- demo:begin -->")
    after = rest.split("<!-- demo:end -->")[1]
    block = "\n".join(line.rstrip() for line in shown).rstrip("\n")
    text = f"{before}<!-- demo:begin -->\n```text\n{block}\n```\n<!-- demo:end -->{after}"
    README.write_text(text, encoding="utf-8")


def shortened(lines: list[str]) -> list[str]:
    """The view without its longer lists' ends, each cut said."""
    kept: list[str] = []
    count = 0
    for line in lines:
        count = 0 if not line.strip() else count + 1
        if count <= FINDINGS + 6:
            kept.append(line)
        elif count == FINDINGS + 7:
            kept.append("…")
    return kept


if __name__ == "__main__":
    main(Path(sys.argv[1]))
