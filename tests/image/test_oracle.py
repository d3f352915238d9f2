"""Random images against a slow, obvious oracle: an image is a dictionary of names, replayed one entry at a time.

The oracle has no tree and no counters. It keeps `path -> inode` as the layers below left it and as it is now, and a
journal of every name that was lost; an inode that no name leads to at the end died with the last line about it.
"""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from imagebuilder import Item, device, file, folder, hardlink, opaque, symlink, whiteout
from imageof import check_identities, image_of
from msgspec import Struct, field

NAMES = ["a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "l", "l/a", "l/e/a"]
CONTENTS = [b"", b"1", b"22", b"333"]
STRONGEST = ["overwritten_same", "overwritten_changed", "deleted"]
LATER = "known when the layer is complete"

names = st.sampled_from(NAMES)
items = st.one_of(
    st.builds(file, names, st.sampled_from(CONTENTS), uid=st.integers(0, 1)),
    st.builds(folder, names),
    st.builds(
        symlink, st.sampled_from(["a", "d", "l", "d/e"]), st.sampled_from(["d", "elsewhere", "/d/e", "../d", "l"])
    ),
    st.builds(hardlink, names, names),
    st.builds(device, st.sampled_from(["a", "d", "l"])),
    st.builds(whiteout, names),
    st.builds(opaque, st.sampled_from(["", "d", "d/e", "a", "l"])),
    st.builds(file, st.sampled_from(["d/.wh.", "d/.wh..wh.plnk", ".wh..wh..opqX", "d/.wh..wh.a"]), st.just(b"4444")),
)
images = st.lists(st.lists(items, max_size=7), min_size=1, max_size=4)


class Inode(Struct, eq=False):
    """What a name stands for. `kind` is a tar type in words."""

    kind: str
    content: bytes = b""
    target: str = ""


class Replay(Struct):
    """An image being put together. `own` holds the names that the layer at hand has set."""

    now: dict[str, Inode] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    stored: list[tuple[Inode, str, int]] = field(default_factory=list)  # inode, name at birth, layer
    journal: list[tuple[int, Inode, str]] = field(default_factory=list)  # layer, inode, why a name of it went
    hidden: dict[str, Inode] = field(default_factory=dict)
    promised: dict[int, Inode] = field(default_factory=dict)  # by place in the layer, named before it came

    def under(self, path: str) -> list[str]:
        return [name for name in self.now if not path or name.startswith(f"{path}/")]

    def take_away(self, paths: list[str], layer: int) -> None:
        for path in sorted(paths, key=lambda path: path not in self.own):
            inode = self.now.pop(path)
            if path in self.own:
                self.own.remove(path)
                self.journal.append((layer, inode, "duplicate_entry"))
            else:
                self.hidden[path] = inode
                self.journal.append((layer, inode, LATER))

    def put(self, path: str, inode: Inode, layer: int) -> None:
        old = self.now.get(path)
        if old is not None and old.kind == "file":
            why = "duplicate_entry" if path in self.own else overwritten(old, inode)
            self.journal.append((layer, old, why))
        if inode.kind != "folder":
            self.take_away(self.under(path), layer)
        self.now[path] = inode
        self.own.add(path)

    def make_folders(self, path: str, layer: int) -> str:
        """The path by which the engine reaches it: through symlinks of this layer, over all else that is in the way."""
        at = ""
        for part in path.split("/") if path else ():
            at = f"{at}/{part}" if at else part
            at = self.through_own_links(at)
            if at and (at not in self.now or self.now[at].kind != "folder"):
                self.put(at, Inode("folder"), layer)
        return at

    def through_own_links(self, path: str) -> str:
        """Where the symlink of this layer at `path` leads, if it leads to a folder; else the path itself."""
        end = path
        for number in range(40):
            inode = self.now.get(end)
            if inode is None or inode.kind != "symlink" or (number == 0 and end not in self.own):
                break
            parts = [] if inode.target.startswith("/") else end.split("/")[:-1]
            for part in inode.target.strip("/").split("/"):
                parts = parts[:-1] if part == ".." else [*parts, part]
            end = "/".join(parts)
        return end if not end or (end in self.now and self.now[end].kind == "folder") else path

    def linked(self, number: int, entries: list[Item]) -> Inode | None:
        name = entries[number].header.linkname
        for _ in entries:
            if name in self.own:
                return self.now[name]
            ahead = [at for at in range(number + 1, len(entries)) if entries[at].header.name == name]
            if not ahead:
                return self.now.get(name) or self.hidden.get(name)
            if not entries[ahead[-1]].header.islnk():
                return self.promised.setdefault(ahead[-1], inode_of(entries[ahead[-1]]))
            name = entries[ahead[-1]].header.linkname
        return None

    def lay(self, layer: int, items: list[Item]) -> None:
        self.own, self.hidden, self.promised = set(), {}, {}
        places = [item.header.name.rpartition("/") for item in items]
        opaques = [parent for parent, _, last in places if last == ".wh..wh..opq"]
        whiteouts = [
            (parent, f"{parent}/{last[4:]}" if parent else last[4:])
            for parent, _, last in places
            if last.startswith(".wh.") and last != ".wh." and not last.startswith(".wh..wh.")
        ]
        for parent in opaques:
            self.take_away(self.under(parent), layer)
        for _, gone in whiteouts:
            self.take_away([path for path in [gone, *self.under(gone)] if path in self.now], layer)
        for parent in [*opaques, *(parent for parent, _ in whiteouts)]:
            self.make_folders(parent, layer)
        entries = [item for item in items if not item.header.name.rpartition("/")[2].startswith(".wh.")]
        added = set()
        for number, item in enumerate(entries):
            parent, _, last = item.header.name.rpartition("/")
            parent = self.make_folders(parent, layer)
            inode: Inode | None
            if item.header.islnk():
                inode = self.linked(number, entries) or Inode("nothing")
                inode = inode if inode.kind == "file" else Inode("nothing")
            else:
                inode = self.promised.get(number) or inode_of(item)
            if inode.kind == "file" and not item.header.islnk():
                self.stored.append((inode, item.header.name, layer))
            path = f"{parent}/{last}" if parent else last
            added.add(path)
            self.put(path, inode, layer)
        why: dict[Inode, str] = {}
        for path, old in self.hidden.items():
            kind = overwritten(old, self.now.get(path)) if path in added else "deleted"
            why[old] = min(kind, why.get(old, "deleted"), key=STRONGEST.index)
        self.journal = [(at, old, why[old] if kind == LATER else kind) for at, old, kind in self.journal]

    def fates(self) -> list[tuple[str, int, int, str, int | None]]:
        found: list[tuple[str, int, int, str, int | None]] = []
        for inode, name, birth in self.stored:
            live = sorted(([path.split("/"), path] for path, other in self.now.items() if other is inode))
            if live:
                found.append((str(live[0][1]), len(inode.content), birth, "live", None))
            else:
                death, _, why = [line for line in self.journal if line[1] is inode][-1]
                found.append((name, len(inode.content), birth, why, death))
        return found


def inode_of(item: Item) -> Inode:
    header = item.header
    kind = "file" if header.isreg() else "folder" if header.isdir() else "symlink" if header.issym() else "device"
    return Inode(kind, item.content, header.linkname)


def overwritten(old: Inode, new: Inode | None) -> str:
    same = new is not None and new.kind == "file" and new.content == old.content
    return "overwritten_same" if same else "overwritten_changed"


A, B = b"1", b"22"


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(images)
@example([[hardlink("c", "b"), hardlink("b", "a"), file("a", A)], [whiteout("a")], [whiteout("b")]])
@example([[hardlink("b", "a"), file("b", B), file("a", A)]])
@example([[file("a", A), hardlink("b", "a")], [file("b", B), whiteout("a")]])
@example([[file("d/a", A), hardlink("b", "d/a")], [file("d", B), folder("d"), file("d/a", A), file("b", A)]])
@example([[folder("d"), symlink("l", "d")], [file("l/a", A)], [file("d/a", A)]])
@example([[file("a", A)], [whiteout("a/b")]])
@example([[file("d/a", A)], [hardlink("a", "d/a"), folder("a"), file("d", A)]])
@example([[file("l/e/a", A)], [hardlink("d/e/a", "a"), symlink("d", "l"), file("d/e", B)]])
@example([[file("d/a", A), folder("l")], [symlink("d", "l"), file("d/a", A)]])
@example([[file("d/e/a", A)], [hardlink("d/a", "d/e/a"), file("d", B)]])
def test_agrees_with_the_oracle(layers: list[list[Item]]) -> None:
    image = image_of(*layers)
    check_identities(image)
    replay = Replay()
    for number, entries in enumerate(layers):
        replay.lay(number, entries)
    assert [(f.path, f.size, f.birth, f.fate, f.death) for f in image.files] == replay.fates()
    assert image.file_count == sum(inode.kind == "file" for inode in replay.now.values())
    assert image.links == {path: inode.target for path, inode in replay.now.items() if inode.kind == "symlink"}


@settings(max_examples=50, deadline=None)
@given(images)
def test_an_empty_layer_changes_nothing(layers: list[list[Item]]) -> None:
    assert image_of(*layers, []).files == image_of(*layers).files
