"""The grammar of tree-sitter-bash, and bash itself, against our splitter."""

import shutil
import subprocess
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_bash
from hypothesis import given, settings
from hypothesis import strategies as st

from imageopt.dockerfile import parse
from imageopt.dockerfile.shell import is_flat, run_commands, split

pytestmark = [pytest.mark.oracle, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
FILES = sorted(path for top in ("tests/bed", "sample_projects") for path in (ROOT / top).rglob("*ockerfile*"))
GRAMMAR = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def theirs(script: str) -> list[str] | None:
    """The command names in order; None where the grammar has no tree for the script."""
    root = GRAMMAR.parse(script.encode()).root_node
    if root.has_error:
        return None
    found: list[str] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type == "command_name" and node.text:
            found.append(node.text.decode())
        waiting += reversed(node.children)
    return found


def ours(script: str) -> list[str]:
    """To the grammar `[`, `[[` and `((` are no commands but tests."""
    raw = [command.words[0].raw for command in split(script) if command.words]
    return [name for name in raw if not name.startswith(("[", "(("))]


PLAIN_WORDS = ["a", "-x", "b=c", "x#y", "{}", "*.c", "/p/$y.z", "$x", "${x:-y}", "a\\ b", "\\;", "$((1+2))"]
QUOTED_WORDS = ['"q r"', "'s t'", '--o="a b"', '"a\\"b"', "'a'\"b\"c"]
SUBSTITUTIONS = ['"${x:-$(k 1)}"', "$(sub a)", "$(s1 && s2 'b')", "`tick a`", '"$(sub "b")"']
WORD = st.sampled_from([*PLAIN_WORDS, *QUOTED_WORDS, *SUBSTITUTIONS])


def simple() -> st.SearchStrategy[str]:
    before = st.sampled_from(["", "", "X=1 ", 'A="b c" D=$e '])
    name = st.sampled_from(["cmd", "apt-get", "npm", "tar", "echo", "./run.sh", '"$BIN"'])
    # the grammar loses the commands of a second `...` in one command
    words = st.lists(WORD, max_size=3).filter(lambda words: sum("`" in word for word in words) < 2).map(" ".join)
    after = st.sampled_from(["", "", " > /x", " 2>&1", " >/dev/null 2>&1", ' 2> "a b"', " <<< word"])
    return st.builds("{}{} {}{}".format, before, name, words, after)


def joined(commands: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from([" && ", " || ", "; ", " | ", " && \\\n  ", "\n"])
    return st.builds(
        lambda operator, items: operator.join(items), operators, st.lists(commands, min_size=1, max_size=3)
    )


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    listed = joined(inner)
    return (
        st.builds("if {}; then {}; else {}; fi".format, listed, listed, listed)
        | st.builds("for x in y {}; do {}; done".format, WORD, listed)
        | st.builds("while {}; do {}; done".format, listed, listed)
        | st.builds('case "$x" in a|b) {};; *) {};; esac'.format, listed, listed)
        | st.builds("( {} )".format, listed)
        | st.builds("{{ {}; }}".format, listed)
        | st.builds("! {}".format, simple())
        | st.builds("[ -f {} ]".format, WORD)
        | st.builds("f() {{ {}; }}".format, listed)
    )


SCRIPTS = joined(st.recursive(simple(), compound, max_leaves=6))


@pytest.mark.exhaustive
@settings(max_examples=500)
@given(SCRIPTS)
def test_command_names_of_generated_scripts(script: str) -> None:
    expected = theirs(script)
    assert expected is None or ours(script) == expected


@settings(max_examples=40)
@given(SCRIPTS)
def test_what_bash_accepts_is_complete(script: str) -> None:
    bash = shutil.which("bash") or pytest.skip("there is no bash")
    if subprocess.run([bash, "-n", "-c", script], capture_output=True, check=False, timeout=10).returncode == 0:
        assert all(command.complete for command in split(script))


@given(st.lists(simple(), min_size=1, max_size=4), st.sampled_from([" && ", "; ", "\n"]))
def test_lists_of_simple_commands_are_flat(commands: list[str], operator: str) -> None:
    assert is_flat(split(operator.join(commands)))


@settings(max_examples=60)
@given(SCRIPTS)
def test_a_script_is_read_the_same_in_a_run(script: str) -> None:
    """The values may not depend on whether a script stands alone or in a RUN with continuations."""
    script = script.replace("\n", " ")  # a newline would end the RUN
    (instruction,) = parse(f"RUN {script}".replace(" && ", " && \\\n").encode()).instructions
    in_run = [[word.value for word in command.words] for command in run_commands(instruction)]
    assert in_run == [[word.value for word in command.words] for command in split(script)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_run_of_this_repository(path: Path) -> None:
    for instruction in parse(path.read_bytes()).instructions:
        if instruction.keyword == "RUN" and not instruction.heredocs and instruction.json is None:
            expected = theirs(instruction.arguments)
            assert expected is None or ours(instruction.arguments) == expected
