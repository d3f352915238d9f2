"""The screen of `imageopt explore`: layers on the left, files on the right, with the keys that dive's users know.

Nothing here computes: a tree's rows come from `tree.py`, what is known of a file from `explain.py`. All text is data
and goes to the screen as `Text`, never as markup.
"""

import select
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen, Screen
from textual.widgets import DataTable, Static, Tree
from textual.widgets.tree import TreeNode

from imageopt.evidence.model import Evidence
from imageopt.explore.explain import explain, line_and_text, made_by
from imageopt.explore.tree import MARKS, Mark, Order, Row, View, view
from imageopt.image.model import Image
from imageopt.report.names import harmless
from imageopt.rules.model import Rule
from imageopt.units import format_bytes

if TYPE_CHECKING:
    from textual.widgets import Input

_STYLES: Mapping[Mark | None, str] = {
    "added": "green",
    "modified": "yellow",
    "removed": "red",
    "unmodified": "",
    None: "",
}
_LOOK_SECONDS = 1.0
_INTERRUPTED = 130  # as after the signal that mostly comes
_ORDERS: tuple[Order, ...] = ("size", "waste", "name")


class Explanation(ModalScreen[None]):
    """What is known of one file or folder."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,e,q,enter", "dismiss", "Close")]
    DEFAULT_CSS = """
    Explanation { align: center middle; }
    Explanation > Static { width: 80%; max-height: 80%; padding: 1 2; border: round $accent; background: $surface; }
    """

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        """One box of text."""
        yield Static(Text("\n".join(map(harmless, self._lines))))


class Layers(DataTable[Text]):
    """The layers; the chosen one decides what the tree shows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+a", "app.below(True)", "Aggregated"),
        Binding("ctrl+l", "app.below(False)", "This layer"),
    ]


class Files(Tree[Row]):
    """The files of the chosen layer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "toggle_node", "Fold"),
        Binding("ctrl+a", "app.mark('added')", "Added"),
        Binding("ctrl+r", "app.mark('removed')", "Removed"),
        Binding("m", "app.mark('modified')", "Modified"),
        Binding("ctrl+u", "app.mark('unmodified')", "Unmodified"),
    ]


class Keys(Static):
    """The keys that do something now, on one line.

    Textual's own footer is a widget for each, all made anew whenever the focus moves: a fifth of the time to start.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"keys--key"}
    DEFAULT_CSS = """
    Keys { dock: bottom; height: 1; text-wrap: nowrap; color: $footer-foreground; background: $footer-background; }
    Keys > .keys--key { color: $footer-key-foreground; background: $footer-key-background; text-style: bold; }
    """

    def on_mount(self) -> None:
        """Follows what the focus makes of the keys."""
        self.auto_links = False  # to be clicked on without being underlined
        self.screen.bindings_updated_signal.subscribe(self, self._tell)

    def _tell(self, screen: Screen[None]) -> None:
        shown: dict[str, Binding] = {}  # the first key of each action
        # those that always do something first: on a narrow screen the last ones are cut off
        for active in sorted(screen.active_bindings.values(), key=lambda active: active.node is not self.app):
            if active.binding.show:
                shown.setdefault(active.binding.action, active.binding)
        text, style = Text(), self.get_component_rich_style("keys--key")
        for binding in shown.values():
            click = Style(meta={"@click": f"app.simulate_key({binding.key!r})"})
            text.append(f" {self.app.get_key_display(binding)} ", style + click)
            text.append(f"{binding.description} ", click)
        self.update(text, layout=False)


class Explorer(App[None]):
    """An image to look into; it starts with the layer that wastes most."""

    TITLE = "imageopt explore"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #left { width: 40%; }
    #made { height: auto; max-height: 8; padding: 0 1; border-top: solid $accent; }
    #totals { height: 1; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "explain", "Explain"),
        Binding("slash,ctrl+f", "search", "Search"),
        Binding("s", "sort", "Sort"),
        Binding("w", "waste", "Waste"),
        Binding("tab", "other", "Switch", priority=True),
        Binding("escape", "no_search", show=False),
        Binding("q,ctrl+c", "quit", "Quit", key_display="q", priority=True),
    ]

    def __init__(self, evidence: Evidence, rules: Callable[[], Mapping[str, Rule]]) -> None:
        super().__init__()
        assert evidence.image is not None
        self._evidence, self._image, self._rules = evidence, evidence.image, rules
        self._layer, self._below, self._order = 0, False, _ORDERS[0]
        self._marks: frozenset[Mark] = frozenset(MARKS)
        self._only_waste, self._text = False, ""
        self._view = View((), (), ())

    def compose(self) -> ComposeResult:
        """Layers and what made the chosen one, beside the files."""
        with Horizontal():
            with Vertical(id="left"):
                yield Layers(id="layers", cursor_type="row")
                yield Static(id="made")
            with Vertical(id="right"):
                yield Static(id="totals")
                yield Files("/", id="files")
        yield Keys()

    def on_mount(self) -> None:
        """Fills everything in before the first frame is drawn: to draw it takes longer than to fill it."""
        table = self.query_one(Layers)
        made = [line_and_text(self._evidence, layer.index) for layer in self._image.layers]
        # the number alone: on a narrow screen the file's name is all one would see
        lined = any(line for line, _ in made)
        table.add_columns("#", "size", "wasted", *(["line"] if lined else []), "made by")
        for layer, (line, text) in zip(self._image.layers, made, strict=True):
            wasted = format_bytes(layer.wasted_bytes) if layer.wasted_bytes else ""
            numbers = (format_bytes(layer.unpacked_bytes), wasted, *([line] if lined else []))
            cells = (Text(number, justify="right") for number in numbers)
            table.add_row(Text(str(layer.index)), *cells, Text(harmless(text)))
        self._layer = _most_wasted(self._image)
        table.move_cursor(row=self._layer)
        table.focus()
        self._show()
        if not self.is_headless:
            self.set_interval(_LOOK_SECONDS, self._leave_with_the_terminal)

    def _leave_with_the_terminal(self) -> None:
        """Ends where the terminal went without a signal, as in a session of its own: Textual would read on for ever."""
        terminal = select.poll()
        terminal.register(sys.stdin.fileno(), 0)  # what is always told: that the other side hung up
        if terminal.poll(0):
            self.exit(return_code=_INTERRUPTED)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Another layer was chosen; its files follow once the choice is on the screen."""
        if event.cursor_row == event.data_table.cursor_row != self._layer:  # and none that was passed on the way there
            self._layer = event.cursor_row
            self.call_after_refresh(self._show)

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Row]) -> None:
        """A folder was opened for the first time."""
        if not event.node.children and event.node.data is not None:
            self._fill(event.node, event.node.data.path)

    def on_input_submitted(self, event: "Input.Submitted") -> None:
        """The tree shows what has this in its path."""
        self._text = event.value.strip().lstrip("/")
        self.query_one(Files).focus()
        self._show()

    def action_other(self) -> None:
        """The other side."""
        target = Files if self.focused is self.query_one(Layers) else Layers
        self.query_one(target).focus()

    async def action_search(self) -> None:
        """Asks for a part of a path."""
        from textual.widgets import Input  # most who look never search

        if not self.query(Input):
            await self.query_one("#right").mount(Input(placeholder="part of a path", id="search"))
        self.query_one(Input).focus()

    async def action_no_search(self) -> None:
        """Everything again."""
        await self.query("#search").remove()
        self.query_one(Files).focus()
        if self._text:
            self._text = ""
            self._show()

    def action_sort(self) -> None:
        """By size, by waste, by name."""
        self._order = _ORDERS[(_ORDERS.index(self._order) + 1) % len(_ORDERS)]
        self._show()

    def action_waste(self) -> None:
        """Only what no later layer shows, or everything."""
        self._only_waste = not self._only_waste
        self._show()

    def action_below(self, below: bool) -> None:
        """The layer alone, or all up to it."""
        self._below = below
        self._show()

    def action_mark(self, mark: Mark) -> None:
        """Shows or hides what the layer added, modified, removed or left."""
        self._marks = self._marks ^ {mark}
        self._show()

    def action_explain(self) -> None:
        """What is known of the chosen file, or of the layer."""
        node = self.query_one(Files).cursor_node
        if self.focused is self.query_one(Layers) or node is None or node.data is None:
            indices = [index for index, file in enumerate(self._image.files) if file.birth == self._layer]
        elif node.data.record is not None:
            indices = [node.data.record]
        else:
            below = node.data.path
            indices = [item.record for item in self._view.items if item.path.startswith(below)]
        lines = explain(self._evidence, self._rules(), indices) if indices else ["there are no files in it"]
        self.push_screen(Explanation(lines))

    def _show(self) -> None:
        self._view = view(
            self._image.files,
            self._layer,
            below=self._below,
            marks=self._marks,
            only_waste=self._only_waste,
            text=self._text,
        )
        self.query_one("#made", Static).update(Text(harmless(made_by(self._evidence, self._layer))))
        total = self._view.total()
        kind = "all up to it" if self._below else "this layer"
        filters = ["only waste"] * self._only_waste + [f"with {self._text!r}"] * bool(self._text)
        says = [
            f"layer {self._layer}, {kind}",
            f"{total.files:,} file{'' if total.files == 1 else 's'}",
            format_bytes(total.bytes),
            f"{format_bytes(total.wasted)} wasted",
            f"by {self._order}",
            *filters,
        ]
        self.query_one("#totals", Static).update(Text(harmless(" · ".join(says))))
        tree = self.query_one(Files)
        tree.clear()
        tree.root.data = total
        self._fill(tree.root, "")
        tree.root.expand()

    def _fill(self, node: TreeNode[Row], folder: str) -> None:
        for row in self._view.rows(folder, self._order):
            if row.record is None:
                node.add(_label(row), row)
            else:
                node.add_leaf(_label(row), row)


def _label(row: Row) -> Text:
    wasted = f"  {format_bytes(row.wasted)} wasted" if row.wasted else ""
    label = Text(f"{format_bytes(row.bytes):>9}  ")
    return label.append(harmless(row.name), _STYLES[row.mark]).append(wasted, "red")


def _most_wasted(image: Image) -> int:
    wasted = [layer.wasted_bytes for layer in image.layers]
    return wasted.index(max(wasted)) if any(wasted) else max(0, len(wasted) - 1)
