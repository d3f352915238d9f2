"""Random images against a slow, obvious oracle: layers applied to a dict, one name after the other."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from imagebuilder import Item, file, folder, opaque, symlink, whiteout
from imageof import check_identities, image_of

NAMES = ["a", "b", "d", "d/a", "d/b", "d/e", "d/e/a", "d/e/b"]
CONTENTS = [b"", b"1", b"22", b"333"]

items = st.one_of(
    st.builds(file, st.sampled_from(NAMES), st.sampled_from(CONTENTS), uid=st.integers(0, 1)),
    st.builds(folder, st.sampled_from(NAMES)),
    st.builds(symlink, st.sampled_from(["a", "b", "d/a"]), st.just("elsewhere")),
    st.builds(whiteout, st.sampled_from(NAMES)),
    st.builds(opaque, st.sampled_from(["", "d", "d/e"])),
)
images = st.lists(st.lists(items, max_size=6), min_size=1, max_size=4)


@dataclass(eq=False)
class Stored:
    """A content that a layer stored."""

    path: str
    content: bytes
    layer: int
    fate: str = "live"
    death: int | None = None


def oracle(layers: list[list[Item]]) -> list[Stored]:
    """All contents with their fates, by the definitions and by nothing else."""
    tree: dict[str, Stored | str] = {}  # path -> content, or "folder" or "link"
    everything: list[Stored] = []
    for number, layer in enumerate(layers):
        added: set[str] = set()
        hidden: dict[str, Stored] = {}
        for item in layer:  # what it hides of the layers below, first
            name = item.header.name
            parent, _, last = name.rpartition("/")
            if last == ".wh..wh..opq":
                gone = [path for path in tree if path.startswith(f"{parent}/") or not parent]
            elif last.startswith(".wh."):
                target = f"{parent}/{last[4:]}" if parent else last[4:]
                gone = [path for path in tree if path == target or path.startswith(f"{target}/")]
            else:
                continue
            for path in gone:
                old = tree.pop(path)
                if isinstance(old, Stored):
                    hidden[path] = old
        for item in layer:  # then what it adds
            name = item.header.name
            if name.rpartition("/")[2].startswith(".wh."):
                continue
            value: Stored | str = "link" if item.header.issym() else "folder"
            if item.header.isreg():
                value = Stored(name, item.content, number)
                everything.append(value)
            for parent in parents(name):
                if tree.get(parent) != "folder":
                    replace(tree, parent, "folder", number)
                    tree[parent] = "folder"
            if value != "folder" or tree.get(name) != "folder":
                replace(tree, name, value, number)
            tree[name] = value
            added.add(name)
        for path, old in hidden.items():
            old.fate, old.death = (overwritten(old, tree.get(path)) if path in added else "deleted"), number
    return everything


def replace(tree: dict[str, "Stored | str"], name: str, new: "Stored | str", layer: int) -> None:
    """Ends what stood at the name, and below it."""
    old = tree.get(name)
    if isinstance(old, Stored):
        old.fate, old.death = ("duplicate_entry" if old.layer == layer else overwritten(old, new)), layer
    for path in [path for path in tree if path.startswith(f"{name}/")]:
        below = tree.pop(path)
        if isinstance(below, Stored):
            below.fate, below.death = ("duplicate_entry" if below.layer == layer else "deleted"), layer


def overwritten(old: Stored, new: "Stored | str | None") -> str:
    return "overwritten_same" if isinstance(new, Stored) and new.content == old.content else "overwritten_changed"


def parents(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


@settings(max_examples=400, deadline=None)
@given(images)
def test_agrees_with_the_oracle(layers: list[list[Item]]) -> None:
    image = image_of(*layers)
    check_identities(image)
    expected = sorted((s.path, len(s.content), s.layer, s.fate, s.death or 0) for s in oracle(layers))
    assert sorted((f.path, f.size, f.birth, f.fate, f.death or 0) for f in image.files) == expected


@settings(max_examples=50, deadline=None)
@given(images)
def test_an_empty_layer_changes_nothing(layers: list[list[Item]]) -> None:
    assert image_of(*layers, []).files == image_of(*layers).files
