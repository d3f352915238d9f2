"""Where pnpm, yarn's Plug'n'Play and workspaces put packages, and which of them only development needs."""

import json

from imagebuilder import Item, file, hardlink, symlink
from imageof import image_of

from imageopt.image.model import Image


def manifest(name: str, **more: object) -> bytes:
    return json.dumps({"name": name, "version": "1.0.0", **more}).encode()


def rows(image: Image) -> dict[str, tuple[str, str, int, bool | None, int]]:
    return {each.path: (each.name, each.version, each.bytes, each.dev, each.birth) for each in image.packages.npm}


STORE = "app/node_modules/.pnpm"
PROJECT = manifest("app", dependencies={"react-dom": "18"}, devDependencies={"@babel/core": "7", "gone": "1"})


def pnpm(project: bytes | None) -> list[Item]:
    """react-dom with its peer for production, @babel/core and what it needs for development."""
    return [
        *([] if project is None else [file("app/package.json", project)]),
        file(f"{STORE}/lock.yaml", b"lockfileVersion: '9.0'"),
        symlink("app/node_modules/react-dom", ".pnpm/react-dom@18.2.0_react@18.2.0/node_modules/react-dom"),
        symlink("app/node_modules/@babel/core", "../.pnpm/@babel+core@7.25.9/node_modules/@babel/core"),
        symlink(f"{STORE}/node_modules/react", "../react@18.2.0/node_modules/react"),
        file(f"{STORE}/react-dom@18.2.0_react@18.2.0/node_modules/react-dom/package.json", manifest("react-dom")),
        file(f"{STORE}/react-dom@18.2.0_react@18.2.0/node_modules/react-dom/cjs/index.js", b"1" * 500),
        symlink(f"{STORE}/react-dom@18.2.0_react@18.2.0/node_modules/react", "../../react@18.2.0/node_modules/react"),
        file(f"{STORE}/react@18.2.0/node_modules/react/index.js", b"2" * 70),
        file(f"{STORE}/@babel+core@7.25.9/node_modules/@babel/core/index.js", b"3" * 30),
        symlink(f"{STORE}/@babel+core@7.25.9/node_modules/ms", "../../ms@2.1.3/node_modules/ms"),
        file(f"{STORE}/ms@2.1.3/node_modules/ms/index.js", b"4" * 9),
    ]


def test_pnpm_keeps_each_package_in_its_slot_and_links_say_who_needs_it() -> None:
    dom = f"{STORE}/react-dom@18.2.0_react@18.2.0/node_modules/react-dom"
    assert rows(image_of(pnpm(PROJECT))) == {
        f"{STORE}/@babel+core@7.25.9/node_modules/@babel/core": ("@babel/core", "7.25.9", 30, True, 0),
        f"{STORE}/ms@2.1.3/node_modules/ms": ("ms", "2.1.3", 9, True, 0),
        dom: ("react-dom", "1.0.0", 500 + len(manifest("react-dom")), False, 0),
        f"{STORE}/react@18.2.0/node_modules/react": ("react", "18.2.0", 70, False, 0),
    }


def test_without_the_project_nothing_of_pnpm_is_called_development() -> None:
    assert {row[3] for row in rows(image_of(pnpm(None))).values()} == {False}


def test_a_store_in_the_image_hides_no_package() -> None:
    inside = f"{STORE}/ms@2.1.3/node_modules/ms"
    image = image_of(
        [
            file("Store/v3/files/00/abc", b"4" * 9),
            file("Store/v3/files/00/def", manifest("ms")),
            symlink("app/node_modules/ms", ".pnpm/ms@2.1.3/node_modules/ms"),
            hardlink(f"{inside}/index.js", "Store/v3/files/00/abc"),
            hardlink(f"{inside}/package.json", "Store/v3/files/00/def"),
        ]
    )
    assert rows(image) == {inside: ("ms", "2.1.3", 9 + len(manifest("ms")), False, 0)}


def test_workspaces_are_packages_where_they_lie() -> None:
    hidden = {"packages": {"node_modules/@app/api": {"link": True}, "packages/api": {"dev": True}}}
    image = image_of(
        [
            file("app/node_modules/.package-lock.json", json.dumps(hidden).encode()),
            symlink("app/node_modules/@app/api", "../../packages/api"),
            symlink("app/node_modules/.bin/api", "../../packages/api"),
            symlink("app/node_modules/lost", "../nowhere"),
        ],
        [
            file("app/packages/api/package.json", manifest("@app/api")),
            file("app/packages/api/src/main.js", b"1" * 100),
            file("app/packages/api/node_modules/ms/package.json", manifest("ms")),
            file("app/packages/web/main.js", b"2" * 1000),
        ],
    )
    assert rows(image) == {
        "app/packages/api": ("@app/api", "1.0.0", 100 + len(manifest("@app/api")), True, 1),
        "app/packages/api/node_modules/ms": ("ms", "1.0.0", len(manifest("ms")), None, 1),
    }


def registry(*packages: tuple[str | None, str | None, str, list[object], str]) -> str:
    return json.dumps(
        {
            "packageRegistryData": [
                [name, [[reference, {"packageLocation": at, "packageDependencies": needs, "linkType": kind}]]]
                for name, reference, at, needs, kind in packages
            ]
        },
        indent=2,
    )


CACHE = "./.yarn/cache"
STATE = registry(
    (None, None, "./", [["dom", "virtual:a1#npm:18.2.0"], ["jest", "npm:29.0.0"], ["opt", None]], "SOFT"),
    ("app", "workspace:.", "./", [["dom", "virtual:a1#npm:18.2.0"], ["jest", "npm:29.0.0"]], "SOFT"),
    ("dom", "virtual:a1#npm:18.2.0", "./.yarn/__virtual__/dom-v/0/cache/dom.zip/node_modules/dom/",
     [["ms", ["ms-fork", "npm:2.1.3"]]], "HARD"),
    ("dom", "npm:18.2.0", f"{CACHE}/dom.zip/node_modules/dom/", [], "SOFT"),
    ("ms-fork", "npm:2.1.3", "../root/.yarn/berry/cache/ms.zip/node_modules/ms/", [], "HARD"),
    ("jest", "npm:29.0.0", f"{CACHE}/jest.zip/node_modules/jest/", [], "HARD"),
    ("un", "npm:1.0.0", "./.yarn/unplugged/un-npm-1/node_modules/un/", [], "HARD"),
)  # fmt: skip
FILES = [
    file("app/package.json", manifest("app", dependencies={"dom": "18"}, devDependencies={"jest": "29"})),
    file("app/.yarn/cache/dom.zip", b"1" * 300),
    file("app/.yarn/cache/jest.zip", b"2" * 200),
    file("app/.yarn/cache/unused.zip", b"2" * 999),
    file("root/.yarn/berry/cache/ms.zip", b"3" * 10),
    file("app/.yarn/unplugged/un-npm-1/node_modules/un/package.json", manifest("un")),
]
PACKED = {
    "app/.yarn/cache/dom.zip": ("dom", "18.2.0", 300, False, 0),
    "app/.yarn/cache/jest.zip": ("jest", "29.0.0", 200, True, 0),
    "app/.yarn/unplugged/un-npm-1/node_modules/un": ("un", "1.0.0", len(manifest("un")), None, 0),
    "root/.yarn/berry/cache/ms.zip": ("ms-fork", "2.1.3", 10, False, 0),
}


def test_plug_and_play_uses_its_archives() -> None:
    escaped = STATE.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\\n")
    script = f"#!/usr/bin/env node\nconst RAW_RUNTIME_STATE =\n'{escaped}';\n\nfunction x() {{ return 'y'; }}\n"
    assert rows(image_of([file("app/.pnp.cjs", script.encode()), *FILES])) == PACKED


def test_plug_and_play_with_its_list_beside_the_script() -> None:
    assert rows(image_of([file("app/.pnp.data.json", STATE.encode()), *FILES])) == PACKED


def test_a_damaged_list_is_none() -> None:
    odd = b'{"packageRegistryData": [["a"], ["b", [["npm:1", null], 7]], null]}'
    for text in (b"const RAW_RUNTIME_STATE =\n'{';\n", odd, b""):
        found = rows(image_of([file("app/.pnp.cjs", text), *FILES]))
        assert list(found) == ["app/.yarn/unplugged/un-npm-1/node_modules/un"]
