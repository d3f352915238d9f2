"""Layer indexes to the union of them, with the fate of every byte.

Layers are applied from the bottom to a tree of names. A layer's whiteouts act on the names below it first, whatever
their place in the tar; then its own entries are laid over. A file's content is one `Inode`: hardlinks share it, and
it dies with its last name. Each name is visited once when it dies, so the cost follows the number of entries.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from imageopt.image.model import Entry, Fate, LayerIndex


@dataclass(slots=True, eq=False)
class Inode:
    """One regular file's content. `names` counts the names it is live under."""

    entry: Entry
    birth: int
    names: int = 0
    path: str = ""
    fate: Fate = "live"
    death: int | None = None


@dataclass(slots=True, eq=False)
class Node:
    """A name in the tree. `entry` is None for a folder that no tar entry made; `inode` is a regular file's."""

    entry: Entry | None = None
    inode: Inode | None = None
    children: "dict[str, Node] | None" = None
    layer: int = 0


@dataclass(slots=True)
class Union:
    """The final tree, and every content that was ever stored, in order of birth."""

    inodes: list[Inode] = field(default_factory=list)
    root: Node = field(default_factory=lambda: Node(children={}))
    problems: list[str] = field(default_factory=list)
    hidden_bytes: list[tuple[str, int]] = field(default_factory=list)  # by each whiteout that hid something

    def walk(self) -> Iterator[tuple[str, Node]]:
        """Every live name with its path, parents first, sorted by name."""
        stack = [("", self.root)]
        while stack:
            path, node = stack.pop()
            if path:
                yield path, node
            prefix = f"{path}/" if path else ""
            children = node.children or {}
            stack.extend((prefix + name, children[name]) for name in sorted(children, reverse=True))


def unite(layers: Sequence[LayerIndex]) -> Union:
    """The layers laid over one another, base first."""
    union = Union()
    for index, layer in enumerate(layers):
        _lay_over(union, index, layer)
    return union


def _lay_over(union: Union, index: int, layer: LayerIndex) -> None:
    """Applies one layer: first what it hides of the layers below, then what it adds."""
    tree = _LayerOver(union, index)
    for folder in layer.opaques:
        tree.hide_children(folder)
    for path in layer.whiteouts:
        tree.hide(path)
    later: list[Entry] = []
    own = {entry.path for entry in layer.entries}
    for entry in layer.entries:
        if entry.kind == "hardlink" and entry.link in own and not tree.placed_here(entry.link):
            later.append(entry)  # its target comes further down in the same tar
        else:
            tree.add(entry)
    for entry in later:
        tree.add(entry)
    tree.bury()


class _LayerOver:
    """The work of laying one layer over the tree."""

    def __init__(self, union: Union, index: int) -> None:
        self._union = union
        self._index = index
        self._hidden: dict[str, Inode] = {}  # names of lower layers that this one hid before it added its own
        self._added: set[str] = set()
        self._folder = ("", union.root)

    def hide_children(self, folder: str) -> None:
        node = self._find(folder)
        if node is not None and node.children:
            children, node.children = node.children, {}
            for name, child in children.items():
                self._collect(f"{folder}/{name}" if folder else name, child)

    def hide(self, path: str) -> None:
        folder, _, name = path.rpartition("/")
        parent = self._find(folder)
        if parent is not None and parent.children and name in parent.children:
            node = parent.children.pop(name)
            self._collect(path, node)
            stored = sum(below.entry.size for _, below in _below(path, node) if below.entry is not None)
            self._union.hidden_bytes.append((path, stored))

    def placed_here(self, path: str) -> bool:
        node = self._find(path)
        return node is not None and node.entry is not None and node.layer == self._index

    def add(self, entry: Entry) -> None:
        if self._hidden:
            self._added.add(entry.path)
        folder, _, name = entry.path.rpartition("/")
        siblings = self._make_folder(folder)
        old = siblings.get(name)
        inode = self._inode(entry)
        if inode is not None:
            inode.names += 1
        if entry.kind == "directory" and old is not None and old.children is not None:
            old.entry, old.layer = entry, self._index
            return
        children: dict[str, Node] | None = {} if entry.kind == "directory" else None
        siblings[name] = Node(entry, inode, children, self._index)
        if self._folder[0].startswith(entry.path):
            self._folder = ("", self._union.root)
        if old is not None:
            self._replace(entry.path, old, inode)

    def bury(self) -> None:
        """Decides the fate of the names that whiteouts hid, now that it is known which of them came back."""
        for path, inode in self._hidden.items():
            node = self._find(path)
            came_back = path in self._added
            kind = _overwritten(inode, node.inode if node is not None else None) if came_back else "deleted"
            _lose_name(inode, kind, self._index)

    def _inode(self, entry: Entry) -> Inode | None:
        if entry.kind == "file":
            inode = Inode(entry, self._index, path=entry.path)
            self._union.inodes.append(inode)
            return inode
        if entry.kind != "hardlink":
            return None
        node = self._find(entry.link)
        target = node.inode if node is not None else self._hidden.get(entry.link)
        if target is None:
            self._union.problems.append(f"layer {self._index}: {entry.path} links to {entry.link}, which is not there")
        return target

    def _replace(self, path: str, old: Node, new: Inode | None) -> None:
        if old.inode is not None:
            same_layer = old.layer == self._index
            _lose_name(old.inode, "duplicate_entry" if same_layer else _overwritten(old.inode, new), self._index)
        for _, node in _below(path, old):
            if node.inode is not None:
                _lose_name(node.inode, "duplicate_entry" if node.layer == self._index else "deleted", self._index)

    def _collect(self, path: str, node: Node) -> None:
        if node.inode is not None:
            self._hidden[path] = node.inode
        for below, child in _below(path, node):
            if child.inode is not None:
                self._hidden[below] = child.inode

    def _find(self, path: str) -> Node | None:
        node: Node | None = self._union.root
        for name in path.split("/") if path else ():
            node = (node.children or {}).get(name) if node is not None else None
        return node

    def _make_folder(self, path: str) -> dict[str, Node]:
        """The children of the folder at `path`; parents that no entry made are implied."""
        cached, node = self._folder
        if cached != path or not path:
            node = self._union.root
            at = ""
            for name in path.split("/") if path else ():
                at = f"{at}/{name}" if at else name
                assert node.children is not None
                child = node.children.get(name)
                if child is not None and child.entry is not None and child.entry.kind == "symlink":
                    child = self._linked_folder(at, child.entry.link) or child
                if child is None or child.children is None:
                    node.children[name] = made = Node(children={}, layer=self._index)
                    if child is not None:  # a file or link where the layer needs a folder
                        self._replace(at, child, None)
                    child = made
                node = child
            self._folder = (path, node)
        assert node.children is not None
        return node.children

    def _linked_folder(self, path: str, link: str) -> Node | None:
        """The folder that a symlink below the layer points to: names through it belong there (`lib -> usr/lib`)."""
        for _ in range(40):  # the kernel's limit on a chain of links
            parts: list[str] = [] if link.startswith("/") else path.split("/")[:-1]
            for part in link.split("/"):
                if part == "..":
                    parts = parts[:-1]
                elif part not in ("", "."):
                    parts.append(part)
            path = "/".join(parts)
            node = self._find(path)
            if node is None or node.children is not None:
                return node
            if node.entry is None or node.entry.kind != "symlink":
                return None
            link = node.entry.link
        return None


def _below(path: str, node: Node) -> Iterator[tuple[str, Node]]:
    stack = [(path, node)]
    while stack:
        at, parent = stack.pop()
        for name, child in (parent.children or {}).items():
            yield f"{at}/{name}", child
            stack.append((f"{at}/{name}", child))


def _overwritten(old: Inode, new: Inode | None) -> Fate:
    same = new is not None and old.entry.checksum == new.entry.checksum and old.entry.size == new.entry.size
    return "overwritten_same" if same else "overwritten_changed"


def _lose_name(inode: Inode, kind: Fate, layer: int) -> None:
    inode.names -= 1
    if inode.names == 0:
        inode.fate, inode.death = kind, layer
