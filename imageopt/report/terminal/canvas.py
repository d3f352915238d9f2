"""Lines of styled text -> a string for a terminal of some width, or plain lines where there is no terminal.

All text is data: it is put together as rich `Text`, never as markup, and what could drive the terminal is spelled out.
`plain` means that nobody measures columns: lines are not cut, not wrapped and have no bars.
"""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from imageopt.report.names import harmless

if TYPE_CHECKING:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

Align = Literal["left", "right"]
Span = tuple[str, str]  # text, style; an empty style is plain
ARROW: Span = ("-> ", "dim")  # before what to do; what is wrapped of a cell that begins with it begins behind it
DEFAULT_WIDTH = 100
NARROW = 64  # columns, below which a view leaves out what is not needed to understand it
_BAR = "▏▎▍▌▋▊▉"


class Canvas(Struct, frozen=True):
    """Where a view is drawn: `width` in columns. Views add lines and tables; `text` is what came of it."""

    color: bool
    width: int
    plain: bool
    _parts: "list[Text | Table | Padding]" = field(default_factory=list)

    def line(self, *spans: Span | str) -> None:
        """A line; a terminal wraps it between words."""
        self._parts.append(styled(*spans))

    def verbatim(self, *spans: Span | str) -> None:
        """A line of somebody else's text, such as a diff: to be copied it must stay one line, however long."""
        text = styled(*spans)
        text.no_wrap = True
        self._parts.append(text)

    def item(self, *spans: Span | str) -> None:
        """A line of a list, two columns in; so is what a terminal wraps of it."""
        if self.plain:
            self.line("  ", *spans)
            return
        from rich.padding import Padding

        self._parts.append(Padding(styled(*spans), (0, 0, 0, 2), expand=False))

    def heading(self, text: str) -> None:
        """An empty line and a heading."""
        self.line()
        self.line((text, "bold"))

    def table(self, rows: Sequence[Sequence[Sequence[Span]]], aligns: Sequence[Align], flexible: int) -> None:
        """Rows of cells. The column `flexible` takes what is left of the width and wraps; an empty one takes none."""
        if self.plain:
            for row in rows:
                self.line(*_joined(row))
            return
        from rich.table import Table

        table = Table.grid(padding=(0, 2, 0, 0))
        shown = [
            index
            for index in range(len(aligns))
            if index == flexible or any(text for row in rows for text, _ in row[index])
        ]
        for index in shown:
            table.add_column(justify=aligns[index], no_wrap=index != flexible, ratio=1 if index == flexible else None)
        for row in rows:
            table.add_row(*(_cell(row[index]) for index in shown))
        self._parts.append(table)

    def text(self) -> str:
        """Everything drawn so far, without blanks at the ends of lines, with a newline at its end."""
        from rich.console import Console

        console = Console(
            file=io.StringIO(),
            width=self.width,
            color_system="standard" if self.color else None,
            force_terminal=self.color,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
            _environ={},  # the caller has already decided about colour and width
        )
        with console.capture() as capture:
            for part in self._parts:
                console.print(part, soft_wrap=self.plain or getattr(part, "no_wrap", None) is True)
        return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def _cell(spans: Sequence[Span]) -> "Text | Table":
    if not spans or spans[0] != ARROW:
        return styled(*spans)
    from rich.table import Table

    hanging = Table.grid()
    hanging.add_column(no_wrap=True)
    hanging.add_column(ratio=1)
    hanging.add_row(styled(ARROW), styled(*spans[1:]))
    return hanging


def styled(*spans: Span | str) -> "Text":
    """The spans as one text that cannot hold markup or control sequences."""
    from rich.text import Text

    text = Text()
    for span in spans:
        content, style = (span, "") if isinstance(span, str) else span
        text.append(harmless(content), style=style or None)
    return text


def bar(share: float, width: int) -> str:
    """A bar of at most `width` columns, to an eighth of a column; what is not nothing shows at least a sliver."""
    eighths = max(round(share * width * 8), 1 if share > 0 else 0)
    full, rest = divmod(min(eighths, width * 8), 8)
    return "█" * full + (_BAR[rest - 1] if rest else "")


def _joined(row: Sequence[Sequence[Span]]) -> list[Span]:
    cells = [cell for cell in row if any(text for text, _ in cell)]
    spans: list[Span] = []
    for index, cell in enumerate(cells):
        spans += [("  ", "")] if index else []
        spans += cell
    return spans
