"""The ignore file never hides what is needed, and never changes what it had."""

from pathlib import Path

import pytest
from rewrite.node_shapes import EXPRESS, TYPESCRIPT, package, write

from imageopt.dockerfile import parse
from imageopt.dockerfile.ignore import parse_ignore
from imageopt.project.read import read_project
from imageopt.rewrite.ignore_file import handled_files, propose_ignore

BASE = {**package(prod={"express": "4.19.2"}, **TYPESCRIPT), **EXPRESS}
NEEDED = ("package.json", "package-lock.json", "src", "public")


def proposed(
    root: Path, files: dict[str, str], needed: tuple[str, ...] = NEEDED, dropped: tuple[str, ...] = ()
) -> str | None:
    change = propose_ignore(read_project(write(root, {**BASE, **files})), needed, dropped, ("dist",))
    return change.after if change else None


def test_nothing_that_is_needed_is_hidden(tmp_path: Path) -> None:
    text = proposed(
        tmp_path, {".npmrc": "", "node_modules/a/index.js": "", ".git/HEAD": "", "dist/server.js": "", "x.log": ""}
    )
    assert text is not None
    rules = parse_ignore(text)
    assert not rules.problems
    kept = ("package.json", "package-lock.json", ".npmrc", "src/server.ts", "public/index.html", "tsconfig.json")
    assert [path for path in kept if rules.excludes(path)] == []
    gone = (
        "node_modules/a/index.js",
        ".git/HEAD",
        "dist/server.js",
        "x.log",
        ".env",
        ".env.local",
        "coverage/a",
        "logs/a",
        ".dockerignore",
    )
    assert [path for path in gone if not rules.excludes(path)] == []


@pytest.mark.parametrize(
    "files",
    [
        {".env": "VITE_API=https://api.example.org\n", ".gitignore": ".env\n"},  # no build of the repository has it
        {".env": "API=https://api.example.org\n"},
        {".env": "VITE_API=x\n", "package.json": package(prod={"express": "4.19.2"})["package.json"]},
        {".env.example": "VITE_API=x\n"},
    ],
)
def test_an_env_file_that_no_build_reads_is_hidden(tmp_path: Path, files: dict[str, str]) -> None:
    text = proposed(tmp_path, files)
    assert text is not None
    assert parse_ignore(text).excludes(".env")
    assert parse_ignore(text).excludes(".env.local")


@pytest.mark.parametrize(
    ("files", "needed", "path"),
    [
        ({"logs/keep.txt": ""}, (*NEEDED, "logs/keep.txt"), "logs/keep.txt"),  # a COPY names it
        ({"package.json": BASE["package.json"].replace("tsc -p .", "git describe && tsc")}, NEEDED, ".git"),
        ({"src/server.ts": "import 'dotenv/config'", ".env": "A=1"}, NEEDED, ".env"),  # the service reads it
        ({".dockerignore": "*\n!src\n!.env\n"}, NEEDED, ".env"),
        ({".env": "# for the browser\nVITE_API=https://api.example.org\n"}, NEEDED, ".env"),  # the build reads it
        (
            {".env.example": "A=\n", ".env.local": "A=1\n"},
            NEEDED,
            ".env.example",
        ),  # `composer create-project` copies it
        ({".gitignore": "/dist\n"}, NEEDED, ".gitignore"),  # Tailwind's build reads what it names
        (
            {"package.json": BASE["package.json"].replace("tsc -p .", "tsc && cp tmp/a dist/a"), "tmp/a": ""},
            NEEDED,
            "tmp/a",
        ),
    ],
)
def test_what_something_names_stays(tmp_path: Path, files: dict[str, str], needed: tuple[str, ...], path: str) -> None:
    text = proposed(tmp_path, files, needed)
    assert text is None or not parse_ignore(text).excludes(path)


@pytest.mark.parametrize("existing", ["# mine\n.git", "# mine\n.git\n", "# mine\r\n.git\r\n", "\ufeff.git\n\n"])
def test_an_existing_file_keeps_its_bytes(tmp_path: Path, existing: str) -> None:
    text = proposed(tmp_path, {".dockerignore": existing})
    kept = existing.removeprefix("\ufeff")
    assert text is not None
    assert text.startswith(kept)
    assert parse_ignore(text).excludes("node_modules")
    assert "\n.git\n" not in text.removeprefix(kept)
    assert ("\r\n" in existing) == text.endswith("*.log\r\n")


def test_a_file_that_lacks_nothing_is_left_alone(tmp_path: Path) -> None:
    first = proposed(tmp_path, {})
    assert first is not None
    assert proposed(tmp_path, {".dockerignore": first}) is None
    assert proposed(tmp_path, {".dockerignore": "*\n!src\n!package*.json\n"}) is None


def test_what_findings_call_junk_is_left_out(tmp_path: Path) -> None:
    text = proposed(tmp_path, {"db/dumps/a.sql": ""}, dropped=("db/dumps", "src"))
    assert text is not None
    assert parse_ignore(text).excludes("db/dumps/a.sql")
    assert not parse_ignore(text).excludes("src/server.ts")


def test_packages_below_workspaces_are_left_out(tmp_path: Path) -> None:
    text = proposed(tmp_path, package(prod={}, workspaces=["packages/*"], **TYPESCRIPT))
    assert text is not None
    assert parse_ignore(text).excludes("packages/a/node_modules/b")


@pytest.mark.parametrize(
    ("folder", "files", "hidden"),
    [
        ("dist", {}, True),  # it is sure to come, on somebody's machine
        ("dist", {"dist/server.js": ""}, True),
        ("dist", {"dist/index.html": "", ".gitignore": "node_modules\n"}, False),  # it is committed: a source
        ("dist", {"dist/server.js": "", ".gitignore": "dist/\n"}, True),
        ("dist", {"dist/server.js": "", ".gitignore": "/dist\n"}, True),
        ("dist", {"dist/server.js": "", ".gitignore": "*\n!dist\n"}, False),
        ("public", {"public/index.html": "", "public/app.js": ""}, False),  # the build writes beside what was there
        ("public", {"public/index.html": "", ".gitignore": "public/app.js\n"}, False),
        ("public", {"public/app.js": "", ".gitignore": "public\n"}, True),
    ],
)
def test_a_folder_with_sources_is_not_hidden_because_the_build_writes_to_it(
    tmp_path: Path, folder: str, files: dict[str, str], hidden: bool
) -> None:
    project = read_project(write(tmp_path, {**BASE, **files}))
    change = propose_ignore(project, ("package.json", "src"), (), (folder,))
    assert change is not None
    assert parse_ignore(change.after).excludes(f"{folder}/x") == hidden


def test_what_a_run_fails_without_is_not_hidden() -> None:
    tree = parse(
        b"FROM node:20\nCOPY . .\nRUN rm a.log && rm -f b.log && mv ./conf/c.bak /etc/c && tar xzf d.tgz -C /x\n"
    )
    assert list(handled_files(tree)) == ["a.log", "conf/c.bak", "xzf", "d.tgz"]
