"""Layer indexes to the union of them, with the fate of every byte.

Layers are applied from the bottom to a tree of names. A layer's whiteouts act on the names below it first, whatever
their place in the tar; then its own entries are laid over. A regular file's name is its content's record too, which
hardlinks share; a content dies with its last name. Each name is visited once when it dies, so the cost follows the
number of entries.

What is not obvious follows the engines, which unpack each layer into a folder of its own: a symlink of the same layer
is followed (`lib -> usr/lib`, `lib/a`), one of a layer below gives way to a folder, as a file does.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import ClassVar

from msgspec import Struct, field

from imageopt.image.model import Entry, Fate, LayerIndex

_LINKS_IN_A_ROW = 64  # hardlinks to hardlinks further down in the tar, which no engine unpacks
_STRONGEST: tuple[Fate, ...] = ("overwritten_same", "overwritten_changed", "deleted", "live")


class Folder:
    """A folder; `entry` is None where no tar entry made it."""

    __slots__ = ("children", "entry", "layer")
    inode = None

    def __init__(self, entry: Entry | None, layer: int) -> None:
        self.entry = entry
        self.layer = layer
        self.children: dict[str, Node] = {}


class File(Struct, eq=False):
    """A regular file: its first name and its content. `names` counts the names it is live under."""

    children: ClassVar[None] = None
    entry: Entry
    layer: int
    names: int = 1
    fate: Fate = "live"
    death: int | None = None

    @property
    def inode(self) -> "File":
        """The content that the name stands for."""
        return self


class Name:
    """A hardlink, whose `inode` is the file it names (None: not there), a symlink, a device or a pipe."""

    __slots__ = ("entry", "inode", "layer")
    children = None

    def __init__(self, entry: Entry, layer: int, inode: File | None) -> None:
        self.entry = entry
        self.layer = layer
        self.inode = inode


Node = Folder | File | Name


class Union(Struct):
    """The final tree, and every content that was ever stored, in order of birth."""

    files: list[File] = field(default_factory=list)
    root: Folder = field(default_factory=lambda: Folder(None, 0))
    problems: list[str] = field(default_factory=list)
    hidden_bytes: list[tuple[str, int]] = field(default_factory=list)  # by each whiteout that hid something

    def walk(self) -> Iterator[tuple[str, Node]]:
        """Every live name with its path, parents first, sorted by name."""
        stack = [("", self.root.children, iter(sorted(self.root.children)))]
        while stack:
            prefix, children, names = stack[-1]
            for name in names:
                node = children[name]
                path = prefix + name
                yield path, node
                if node.children:
                    stack.append((f"{path}/", node.children, iter(sorted(node.children))))
                    break
            else:
                stack.pop()


def unite(layers: Sequence[LayerIndex]) -> Union:
    """The layers laid over one another, base first."""
    union = Union()
    for index, layer in enumerate(layers):
        over = _LayerOver(union, index)
        for folder in layer.opaques:
            over.hide_children(folder)
        for path in layer.whiteouts:
            over.hide(path)
        over.make_room(layer)
        over.add(layer.entries)
        over.bury(layer.entries)
    return union


class _LayerOver:
    """The work of laying one layer over the tree: first what it hides of the layers below, then what it adds."""

    def __init__(self, union: Union, index: int) -> None:
        self._union = union
        self._index = index
        self._hidden: dict[str, File] = {}  # names of lower layers that went with a whiteout or with their folder
        self._last: dict[str, int] = {}  # where in the tar a name stands last; filled when a hardlink asks
        self._ahead: dict[str, File] = {}  # further down in the tar, but a hardlink has named it already
        self._folders: dict[str, Folder] = {"": union.root}  # by path, while none of them is replaced
        self._places: dict[str, str] = {}  # of those of them that a symlink leads to, where they are
        self._moved: dict[int, str] = {}  # by number, where an entry is whose folder a symlink leads to

    def hide_children(self, folder: str) -> None:
        node = self._find(folder)
        if isinstance(node, Folder):
            children = dict(node.children)
            node.children.clear()
            for name, child in children.items():
                self._collect(f"{folder}/{name}" if folder else name, child)

    def hide(self, path: str) -> None:
        folder, _, name = path.rpartition("/")
        parent = self._find(folder)
        if isinstance(parent, Folder) and name in parent.children:
            node = parent.children.pop(name)
            self._collect(path, node)
            stored = sum(below.entry.size for _, below in _below(path, node) if below.entry is not None)
            self._union.hidden_bytes.append((path, stored))

    def make_room(self, layer: LayerIndex) -> None:
        """A marker stands in a folder: whatever else is in its place below gives way."""
        for folder in chain(layer.opaques, (path.rpartition("/")[0] for path in layer.whiteouts)):
            if folder not in self._folders:
                self._make_folder(folder)

    def add(self, entries: Sequence[Entry]) -> None:
        """Lays the entries over the tree, in their order."""
        index, files, folders, places = self._index, self._union.files, self._folders, self._places
        for number, entry in enumerate(entries):
            path, kind = entry[0], entry[1]  # a star would make a list for each
            above, _, name = path.rpartition("/")
            folder = folders.get(above) or self._make_folder(above)
            old = folder.children.get(name)
            node: Node
            if kind == "file":
                node = (self._ahead and self._known(entry)) or File(entry, index)
                files.append(node)
            elif kind == "directory":
                if isinstance(old, Folder):
                    old.entry, old.layer = entry, index
                    if above not in places:
                        folders[path] = old
                    continue
                node = Folder(entry, index)
            elif kind == "hardlink":
                node = self._link(entry, self._target(number, entries))
            else:
                node = Name(entry, index, None)
            if above in places:
                path = self._moved[number] = f"{places[above]}/{name}".lstrip("/")
            folder.children[name] = node
            if old is not None:
                self._replace(path, old, node.inode)
            if isinstance(node, Folder) and above not in places:
                folders[path] = node

    def bury(self, entries: Sequence[Entry]) -> None:
        """Decides why the hidden names went, now that it is known which of them came back."""
        if not self._hidden:
            return
        added = {self._moved.get(number, entry.path) for number, entry in enumerate(entries)}
        dying = [(path, file) for path, file in self._hidden.items() if not file.names and file.death is None]
        for path, file in dying:
            node = self._find(path)
            kind = _overwritten(file, node.inode if node is not None else None) if path in added else "deleted"
            file.fate = min(file.fate, kind, key=_STRONGEST.index)  # of all its names, whatever their order
            file.death = self._index

    def _known(self, entry: Entry) -> File | None:
        """The file that a hardlink named before its entry came."""
        file = self._ahead.get(entry.path)
        return file if file is not None and file.entry is entry else None

    def _target(self, number: int, entries: Sequence[Entry]) -> Node | None:
        """What the hardlink at `number` names: what its layer has there, or will have; else what stood there below."""
        link = entries[number].link
        for _ in range(_LINKS_IN_A_ROW):
            node = self._find(link)
            if node is not None and node.layer == self._index:
                return node
            self._last = self._last or {entry.path: at for at, entry in enumerate(entries)}
            at = self._last.get(link, -1)
            if at <= number:
                return node or self._hidden.get(link)
            entry = entries[at]
            if entry.kind == "file":
                return self._ahead.setdefault(link, File(entry, self._index))
            if entry.kind != "hardlink":
                return Name(entry, self._index, None)
            link = entry.link
        return None

    def _link(self, entry: Entry, target: Node | None) -> Name:
        if target is None:
            self._union.problems.append(f"layer {self._index}: {entry.path} links to {entry.link}, which is not there")
            return Name(entry, self._index, None)
        if target.inode is not None:
            target.inode.names += 1
        return Name(entry, self._index, target.inode)

    def _replace(self, path: str, old: Node, new: File | None) -> None:
        if old.inode is not None:
            same_layer = old.layer == self._index
            _lose_name(old.inode, "duplicate_entry" if same_layer else _overwritten(old.inode, new), self._index)
            return
        self._folders.clear()  # a folder or a link to one
        self._folders[""] = self._union.root
        self._places.clear()
        self._collect(path, old)

    def _collect(self, path: str, node: Node) -> None:
        """Takes the names at and below `path` away; why those of lower layers went is decided at the end."""
        named = [(at, each, each.inode) for at, each in chain([(path, node)], _below(path, node)) if each.inode]
        named.sort(key=lambda item: item[1].layer != self._index)  # so that the order in the folder says nothing
        for at, each, file in named:
            if each.layer == self._index:
                _lose_name(file, "duplicate_entry", self._index)
            else:
                file.names -= 1
                self._hidden[at] = file

    def _find(self, path: str) -> Node | None:
        node: Node | None = self._union.root
        for name in path.split("/") if path else ():
            node = (node.children or {}).get(name) if node is not None else None
        return node

    def _make_folder(self, path: str) -> Folder:
        """The folder at `path`; parents that no entry made are implied, those that are symlinks are followed."""
        node = self._union.root
        at = ""
        for name in path.split("/"):
            at = f"{at}/{name}" if at else name
            child = node.children.get(name)
            if isinstance(child, Name) and child.layer == self._index and child.entry.kind == "symlink":
                at, child = self._linked_folder(at, child.entry.link) or (at, child)
            if not isinstance(child, Folder):
                made = node.children[name] = Folder(None, self._index)
                if child is not None:  # a file or link where the layer needs a folder
                    self._replace(at, child, None)
                child = made
            node = child
        self._folders[path] = node
        if at != path:
            self._places[path] = at
        return node

    def _linked_folder(self, path: str, link: str) -> tuple[str, Folder] | None:
        """The folder that a symlink of this layer points to: names through it belong there."""
        for _ in range(40):  # the kernel's limit on a chain of links
            parts: list[str] = [] if link.startswith("/") else path.split("/")[:-1]
            for part in link.split("/"):
                if part == "..":
                    parts = parts[:-1]
                elif part not in ("", "."):
                    parts.append(part)
            path = "/".join(parts)
            node = self._find(path)
            if isinstance(node, Folder):
                return path, node
            if node is None or node.entry.kind != "symlink":
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


def _overwritten(old: File, new: File | None) -> Fate:
    same = new is not None and old.entry.checksum == new.entry.checksum and old.entry.size == new.entry.size
    return "overwritten_same" if same else "overwritten_changed"


def _lose_name(file: File, kind: Fate, layer: int) -> None:
    file.names -= 1
    if file.names == 0:
        file.fate, file.death = kind, layer
