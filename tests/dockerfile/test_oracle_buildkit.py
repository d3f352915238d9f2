"""BuildKit's own parser (the `dockerfile` wheel holds it, in Go) against ours."""

from pathlib import Path

import pytest
from buildkitparser import differ_on_purpose, ours, theirs
from hypothesis import example, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.oracle

ROOT = Path(__file__).parents[2]
FILES = sorted(path for top in ("tests/bed", "sample_projects") for path in (ROOT / top).rglob("*ockerfile*"))


TRICKY = [
    "FROM a\nRUN a \\\n\n\nUSER x\n",
    "FROM a\n\\\n  RUN x\n",
    "FROM a\nRUN a \\\n # c \\\n b\n",
    "# escape=`\nFROM a\nRUN a `\n b \\\nRUN c\n",
    "#escape=`\n#escape=`\nFROM a\n",
    "# escape=x\nFROM a\n",
    "\ufeffFROM a\r\nRUN b \\\r\n c\r\n",
    "FROM a\nRUN <<A <<B cat\n1\nA\n2\nB\nRUN c\n",
    "FROM a\nRUN 3<<-'A b'\n\t1\n\tA b\n",
    "FROM a\nRUN echo ${a[0]} <<E\nE\n",
    "FROM a\nRUN echo ${a:-b c} <<E\nE\n",
    "FROM a\nRUN it's <<E\nE\n",
    "FROM a\nONBUILD RUN <<E\nx\nE\n",
    "FROM a\nONBUILD ONBUILD RUN <<E\nE\n",
    "FROM a\nCOPY --a='b c' --link -- x y\n",
    "FROM a\nENV a=b\\ c d='e f' g\\=h=i\n",
    "FROM a\nENV a   b=c  d \nLABEL 'a b'=c\n",
    "FROM a\nRUN foo \\\\\nRUN b\n",
    "FROM a\nCMD []\nENTRYPOINT ['a']\nVOLUME a  b\n",
    "FROM a\nCMD [1]\n",
    "FROM a\n{{ x }}\nfoo --x y\n",
    "# c\n\n",
    "FROM a\nRUN " + "x" * 65_531 + "\n",
    "FROM a\nRUN " + "x" * 65_532 + "\n",
]


@pytest.mark.parametrize("text", TRICKY)
def test_tricky_files(text: str) -> None:
    assert ours(text) == theirs(text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_dockerfile_of_this_repository(path: Path) -> None:
    text = path.read_text()
    assert ours(text) == theirs(text)


LINES = [
    "FROM a\n",
    "FROM b AS c\n",
    "# c\n",
    "#escape=`\n",
    "\n",
    "\\\n",
    "`\n",
    " \\\n",
    "EOF\n",
    "E\n",
    "\tE\n",
    "\r\n",
]
KEYS = [
    "RUN ",
    "COPY ",
    "ENV ",
    "ARG ",
    "LABEL a=",
    "ONBUILD ",
    "CMD ",
    "USER u v\n",
    'WORKDIR "/a b"\n',
    "EXPOSE 1 2\n",
]
WORDS = [
    "a",
    "a=b",
    " ",
    "\t",
    '"',
    "'",
    "\\",
    "$x",
    "${x}",
    "${x:-",
    "}",
    "<<EOF",
    "<<-'E'",
    "3<<X",
    "X\n",
    "{{ x }}\n",
]
MARKS = ['["a"]\n', '["a", ', "[", "--x=y ", "--z ", "-- ", "\r", "é", "#", "`"]


def agree(text: str) -> None:
    if not differ_on_purpose(text):
        assert ours(text) == theirs(text)


@settings(max_examples=300)
@example("ONBUILD ONBUILD ENV `\n")
@given(st.lists(st.sampled_from([*LINES, *KEYS, *WORDS, *MARKS]), max_size=14).map("".join))
def test_generated_files(tail: str) -> None:
    agree(f"FROM a\n{tail}")


def instruction() -> st.SearchStrategy[str]:
    """An instruction as somebody may write it, with continuations, comments between and heredocs behind."""
    gap = st.sampled_from([" ", " ", " ", "  ", "\t", " \\\n", " \\\n  ", " \\\n# c\n ", " \\\n\n", " `\n "])
    word = st.sampled_from(
        [*WORDS[:-1], "a.b", "/x/", "--x=y", "&&", "|", "é", "a\\ b", '"c d"', "'e f'", "k=v w=x", "#z"]
    )
    line = st.lists(st.tuples(gap, word).map("".join), max_size=5).map("".join)
    key = st.sampled_from(
        [
            *("FROM", "RUN", "run", "COPY", "ADD", "ENV", "ARG", "LABEL", "CMD", "ENTRYPOINT", "ONBUILD RUN", "EXPOSE"),
            *(
                "VOLUME",
                "USER",
                "WORKDIR",
                "SHELL",
                "STOPSIGNAL",
                "HEALTHCHECK CMD",
                "HEALTHCHECK",
                "MAINTAINER",
                "FOO",
            ),
        ]
    )
    flags = st.sampled_from(
        ["", "", " --from=a", " --mount=type=cache,target=/x", " --chown=a:b --link", " --a='b c' --"]
    )
    form = st.sampled_from([' ["a", "b"]', " ['a']", ' ["a", 1]', " [ -f x ]", ' ["a" \\\n, "b"]', " []"])
    heredoc = st.sampled_from(["", "", "", "x\nEOF\n", "\tE\n", "# c\nE\nEOF\n", "EOF\nE\n", "X\n"])
    end = st.sampled_from(["\n", "\n", "\n", "\r\n", " \n", "\\\n", "\n\n"])
    return st.builds("{}{}{}{}{}".format, key, flags, line | form, end, heredoc)


FILES_OF_INSTRUCTIONS = st.builds(
    "{}{}".format,
    st.sampled_from(["FROM a\n", "# syntax=x\nFROM a\n", "# escape=`\nFROM a\n", "\ufeffFROM a\n", "ARG A\nFROM $A\n"]),
    st.lists(instruction() | st.sampled_from(["# c\n", "\n", " \n"]), max_size=6).map("".join),
)


@pytest.mark.exhaustive
@settings(max_examples=10_000, derandomize=True)
@given(FILES_OF_INSTRUCTIONS)
def test_ten_thousand_generated_files(text: str) -> None:
    agree(text)
