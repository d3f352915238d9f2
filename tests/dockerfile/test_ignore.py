"""`.dockerignore`, by behaviour. The facts are those of moby/patternmatcher; the rows are ours."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageopt.dockerfile.ignore import ignore_file_for, parse_ignore


@pytest.mark.parametrize(
    ("pattern", "excluded", "kept"),
    [
        ("node_modules", ["node_modules", "node_modules/a/b"], ["a/node_modules", "node_modules2"]),
        ("/dist", ["dist", "dist/a"], ["a/dist"]),
        ("dist/", ["dist", "dist/a"], ["a/dist"]),
        ("./a/../b", ["b"], ["a"]),
        ("a//b", ["a/b"], ["a"]),
        ("*.log", ["x.log", ".log"], ["a/x.log", "x.logs"]),
        ("*", ["a", ".env", "a/b"], []),
        ("a/*", ["a/b", "a/b/c"], ["a", "b"]),
        ("a?c", ["abc", "a.c"], ["ac", "abbc", "a/c"]),
        ("**", ["a", "a/b/c"], []),
        ("**/", ["a", "a/b"], []),
        ("**/node_modules", ["node_modules", "a/b/node_modules", "a/node_modules/x"], ["my_node_modules"]),
        ("**log", ["log", "catalog", "a/catalog"], ["logs"]),
        ("**log*", ["log", "logs", "a/logs"], ["catalog"]),
        ("**/*.pyc", ["a.pyc", "x/y/a.pyc"], ["a.py"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "ab"]),
        ("a**", ["a", "ab", "ab/c"], ["b"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z/y"], ["a/zz", "b/z"]),
        ("a/**/*.js", ["a/x.js", "a/b/x.js"], ["x.js"]),
        ("**/a/**/b/*/c*d", ["a/b/x/cd", "p/a/q/b/x/cyd", "a/b/b/x/cd/more"], ["a/b/x/y/cd", "b/x/cd"]),
        ("*a*b*c*", ["xaybzc", "abc"], ["acb", "x/abc"]),
        ("**/**/**/**/a[0-9]?", ["a1x", "p/q/a1x"], ["a1", "aax"]),
        ("*a*b*c**", ["abc", "abcd/e"], ["ab"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "x"]),
        ("[^a-c]x", ["dx"], ["ax"]),
        ("[\\]a]", ["]", "a"], ["b"]),
        ("a[.]b", ["a.b"], ["axb"]),
        ("a\\*b", ["a*b"], ["aXb"]),
        ("\\!x", ["!x"], ["x"]),
        ("a.b+c(d)|{e}$", ["a.b+c(d)|{e}$"], ["aXb"]),
        ("*.b+c(d)$", ["a.b+c(d)$"], ["a.bbc(d)$"]),
        ("  spaced name  ", ["spaced name"], ["spaced"]),
        ("# comment", [], ["# comment", "comment"]),
        (" # no comment", ["# no comment"], []),
        ("é*", ["été"], ["e"]),
        (".", [], ["a", "."]),
        ("/", [], ["a"]),
        ("", [], ["a"]),
        ("..", [], ["a"]),
    ],
)
def test_one_pattern(pattern: str, excluded: list[str], kept: list[str]) -> None:
    rules = parse_ignore(pattern)
    assert [path for path in excluded if not rules.excludes(path)] == []
    assert [path for path in kept if rules.excludes(path)] == []
    assert rules.problems == ()


@pytest.mark.parametrize(
    ("lines", "excluded", "kept"),
    [
        (["*", "!src", "!package*.json"], ["README", "a/src"], ["src/a/b", "package.json", "package-lock.json"]),
        (["a", "!a/b/c"], ["a", "a/b", "a/x", "a/b/d"], ["a/b/c", "a/b/c/d"]),
        (["*.md", "!README.md"], ["a.md"], ["README.md"]),
        (["!README.md", "*.md"], ["README.md"], []),
        (["**", "!dist", "dist/secret"], ["a", "dist/secret"], ["dist", "dist/a"]),
        (["**/*.env", "!**/example.env"], ["a.env", "b/c.env"], ["example.env", "b/example.env"]),
        (["! a ", "b"], ["b"], ["a"]),
        (["docs", "!docs/*.md", "docs/README.md"], ["docs/x", "docs/README.md"], ["docs/a.md"]),
        # a pattern that had no say about a folder has none about what is in it
        (["x/y", "!x"], ["x/y"], ["x", "x/z"]),
        (["x", "!x"], [], ["x", "x/y"]),
    ],
)
def test_several_patterns(lines: list[str], excluded: list[str], kept: list[str]) -> None:
    rules = parse_ignore("\n".join(lines))
    assert [path for path in excluded if not rules.excludes(path)] == []
    assert [path for path in kept if rules.excludes(path)] == []


def test_the_order_of_questions_does_not_matter() -> None:
    rules = parse_ignore("a/*\n!a/b\n")
    paths = [f"{top}/{name}/{leaf}" for top in "ac" for name in [*"bd", *map(str, range(600))] for leaf in "xy"]
    forward = {path: rules.excludes(path) for path in paths}
    assert forward == {path: rules.excludes(path) for path in reversed(paths)}
    assert {path for path in paths if not forward[path]} == {
        path for path in paths if path[0] == "c" or path[:3] == "a/b"
    }


def test_line_ends_and_a_byte_order_mark_do_not_matter() -> None:
    rules = parse_ignore("\ufeffa\r\nb\r\n")
    assert [rules.excludes(path) for path in ("a", "b", "\ufeffa")] == [True, True, False]


@pytest.mark.parametrize("path", ["a/b", "./a/b", "/a/b", "a//b", "a/b/"])
def test_paths_may_be_written_differently(path: str) -> None:
    assert parse_ignore("a/b").excludes(path)


@pytest.mark.parametrize(
    "pattern", ["[", "a[", "[]a]", "[-]", "[x-]", "[^", "\\", "a\\", "!", "! ", "[b-a]", "![", "[a-b-c]"]
)
def test_wrong_patterns_are_problems_with_their_line(pattern: str) -> None:
    rules = parse_ignore(f"ok\n{pattern}\nalso\n")
    assert [(problem.code, problem.line) for problem in rules.problems] == [("invalid-ignore-pattern", 2)]
    assert [rules.excludes("ok"), rules.excludes("also")] == [True, True]


def test_patterns_know_their_line() -> None:
    assert [(p.pattern.text, p.negated, p.line) for p in parse_ignore("# c\na/\n\n!b").patterns] == [
        ("a", False, 2),
        ("b", True, 4),
    ]


@pytest.mark.parametrize(
    ("lines", "folder", "expected"),
    [
        (["a"], "a", False),
        (["a"], "b", True),
        (["a", "!a/b"], "a", True),
        (["a", "!a/b/c"], "a/b", True),
        (["a", "!a/b"], "a/x", False),
        (["node_modules", "!src"], "node_modules", False),
        (["node_modules", "!*.md"], "node_modules", True),
        (["**/node_modules", "!a/*.md"], "b/node_modules", False),
        (["*"], "a", False),
        (["a/*"], "a", True),
    ],
)
def test_what_a_walk_may_pass_by(lines: list[str], folder: str, expected: bool) -> None:
    assert parse_ignore("\n".join(lines)).may_hold_included(folder) is expected


PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join)
PATTERNS = st.lists(
    st.tuples(
        st.sampled_from(["", "!"]),
        st.lists(st.sampled_from(["a", "b", "*", "**", "?", "[ab]", "a*", "*b"]), min_size=1, max_size=3).map("/".join),
    ).map("".join),
    max_size=5,
)


@given(PATTERNS, PATHS, PATHS)
def test_passing_by_loses_no_file(lines: list[str], folder: str, below: str) -> None:
    rules = parse_ignore("\n".join(lines))
    if not rules.may_hold_included(folder):
        assert rules.excludes(f"{folder}/{below}")


@given(PATTERNS, PATHS)
def test_a_last_line_decides(lines: list[str], path: str) -> None:
    assert parse_ignore("\n".join([*lines, path])).excludes(path)
    assert not parse_ignore("\n".join([*lines, f"!{path}"])).excludes(path)


@given(st.lists(st.sampled_from(["*", "**/", "**", "?", "a", "/", "[ab]"]), max_size=5).map("".join), PATHS)
def test_many_stars_match_as_few_do(pattern: str, path: str) -> None:
    """More stars than a regular expression is trusted with go another way; the outcome is the same."""
    if not pattern.strip("/"):
        return
    padded = f"zz/**/**/**/{pattern}"
    plain = f"zz/**/{pattern}"
    assert parse_ignore(padded).excludes(f"zz/{path}") == parse_ignore(plain).excludes(f"zz/{path}")


@given(st.text("ab*?[]^-\\!/# \n", max_size=20), PATHS)
def test_it_never_raises(text: str, path: str) -> None:
    parse_ignore(text).excludes(path)


def test_the_file_beside_the_dockerfile_comes_first(tmp_path: Path) -> None:
    dockerfile = tmp_path / "docker" / "app.Dockerfile"
    dockerfile.parent.mkdir()
    assert ignore_file_for(dockerfile, tmp_path) is None
    (tmp_path / ".dockerignore").touch()
    assert ignore_file_for(dockerfile, tmp_path) == tmp_path / ".dockerignore"
    (tmp_path / "docker" / "app.Dockerfile.dockerignore").touch()
    assert ignore_file_for(dockerfile, tmp_path) == tmp_path / "docker" / "app.Dockerfile.dockerignore"
