"""docs/reports.md tells which result can be shown in which format, and forgets none.

`UPDATE_GOLDEN=1 pytest tests/report/test_reports_page.py` writes the table anew.
"""

import os
from pathlib import Path

from imageopt.report.render import ALL, SCHEMAS, formats_of

PAGE = Path(__file__).parents[2] / "docs" / "reports.md"
BEGIN, END = "<!-- formats:begin -->\n", "<!-- formats:end -->"


def test_the_page_has_every_result_and_every_format() -> None:
    names = [schema.removeprefix("imageopt.").partition("/")[0] for schema in SCHEMAS]
    rows = [[name, *("yes" if name in formats_of(schema) else "" for schema in SCHEMAS)] for name in ALL]
    table = "\n".join(f"| {' | '.join(row)} |" for row in (["", *names], ["---"] * (len(names) + 1), *rows)) + "\n"
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    shown, _, after = rest.partition(END)
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(f"{before}{BEGIN}{table}{END}{after}", "utf-8")
        shown = table
    assert shown == table
    assert all(f"\n| {name} | " in after for name in ALL)
