"""What a Node program loads, and what it asks for in vain, over the names of an image."""

import json
from collections.abc import Mapping

import pytest
from imagebuilder import file, symlink
from imageof import image_of

from imageopt.compare.modules import Missing, module_graph, unmet_dependencies
from imageopt.image.model import Image

Tree = Mapping[str, str]


def image(tree: Tree, links: Tree | None = None) -> Image:
    items = [file(path, text.encode()) for path, text in tree.items()]
    return image_of([*items, *(symlink(path, target) for path, target in (links or {}).items())])


def missing(text: str, more: Tree | None = None, links: Tree | None = None) -> list[str]:
    """What `app/main.js` with that text asks for in vain, in an image that holds more."""
    tree = {"app/main.js": text, **(more or {})}
    graph = module_graph(image(tree, links), "app/main.js", lambda path: tree[path].encode())
    return sorted(found.name for found in graph.missing)


LODASH = {"app/node_modules/lodash/package.json": '{"main": "lodash.js"}', "app/node_modules/lodash/lodash.js": ""}


@pytest.mark.parametrize(
    ("text", "more", "links"),
    [
        ("require('fs'); require('node:sqlite'); import 'fs/promises'", {}, {}),
        ("require('./a')", {"app/a.js": ""}, {}),
        ("import x from './a.js'", {"app/a.ts": ""}, {}),
        ("require('./a')", {"app/a/index.json": "{}"}, {}),
        ("require('./a')", {"app/a/package.json": '{"main": "./lib/b"}', "app/a/lib/b.js": ""}, {}),
        ("require('..')", {"index.js": ""}, {}),
        ("require('lodash')", LODASH, {}),
        ("import map from 'lodash/lodash'", LODASH, {}),
        ("require('lodash/any')", {**LODASH, "app/node_modules/lodash/package.json": '{"exports": {}}'}, {}),
        ("require('lodash')", {"node_modules/lodash/package.json": "{}"}, {}),
        ("require('@a/b')", {"packages/b/index.js": ""}, {"app/node_modules/@a/b": "../../../packages/b"}),
        ("require('shop/x')", {"app/package.json": '{"name": "shop", "exports": {}}'}, {}),
        ("// require('gone')\n/* import 'gone' */", {}, {}),
        ("try { x = require('optional') } catch {}", {}, {}),
        ("import a from '@/alias'; import '#inner'", {}, {}),
    ],
)
def test_what_is_found(text: str, more: Tree, links: Tree) -> None:
    assert missing(text, more, links) == []


@pytest.mark.parametrize(
    ("text", "more", "name"),
    [
        ("require('./routes/orders')", {}, "./routes/orders"),
        ("export * from './gone.js'", {}, "./gone.js"),
        ("await import('lodash')", {}, "lodash"),
        ("require('@a/b/c')", LODASH, "@a/b/c"),
        ("require('lodash/gone')", LODASH, "lodash/gone"),
        ("require('./a')", {"app/a.js": "require('./b')"}, "./b"),
        ("require('./a')", {"app/a/readme.md": ""}, "./a"),
    ],
)
def test_what_is_not_found(text: str, more: Tree, name: str) -> None:
    assert missing(text, more) == [name]


def test_the_graph_has_the_programs_own_files_and_the_names_they_spell() -> None:
    tree = {"app/main.js": "require('./a'); require('lodash'); open('./views/index.ejs')", "app/a.js": "x", **LODASH}
    graph = module_graph(image(tree), "app/main.js", lambda path: tree[path].encode())
    assert graph.files == ("app/main.js", "app/a.js")
    assert {"views", "index.ejs"} <= graph.words
    assert not graph.cut


def test_a_file_that_cannot_be_read_asks_for_nothing() -> None:
    assert module_graph(image({"app/main.js": ""}), "app/main.js", lambda _: None).missing == frozenset()


def test_links_in_a_circle_lead_nowhere() -> None:
    assert missing("require('./a')", {}, {"app/a": "b", "app/b": "a"}) == ["./a"]


def manifest(**more: object) -> str:
    return json.dumps({"version": "1.0.0", **more})


@pytest.mark.parametrize(
    ("more", "unmet"),
    [
        ({"dependencies": {"ms": "*"}}, {Missing("debug", "ms")}),
        ({"dependencies": {"debug": "*"}}, set()),  # it is there
        ({"dependencies": {"ms": "*"}, "optionalDependencies": {"ms": "*"}}, set()),
        ({"dependencies": {"ms": "*"}, "bundledDependencies": ["ms"]}, set()),
        ({"peerDependencies": {"ms": "*"}}, set()),
    ],
)
def test_what_installed_packages_need(more: Mapping[str, object], unmet: set[Missing]) -> None:
    made = image({"app/node_modules/debug/package.json": manifest(name="debug", **more)})
    assert unmet_dependencies(made) == unmet
