"""The points of the Dockerfile grammar that readers get wrong, one by one."""

import pytest

from imageopt.dockerfile import parse
from imageopt.dockerfile.model import Dockerfile, Instruction


def keywords(dockerfile: Dockerfile) -> list[str]:
    return [instruction.keyword for instruction in dockerfile.instructions]


def only(text: str) -> Instruction:
    (instruction,) = parse(text.encode()).instructions
    return instruction


def codes(text: str) -> list[str]:
    return [problem.code for problem in parse(text.encode()).problems]


class TestBytes:
    def test_what_is_no_utf8_survives(self) -> None:
        data = b"FROM a\nLABEL x=\xff\xfe\n"
        assert parse(data).render() == data
        assert parse(data).instructions[1].words[0].raw == "x=\udcff\udcfe"

    def test_a_byte_order_mark_is_a_node_of_its_own(self) -> None:
        dockerfile = parse(b"\xef\xbb\xbfFROM a\n")
        assert keywords(dockerfile) == ["FROM"]
        assert dockerfile.instructions[0].start == 1
        assert dockerfile.render() == b"\xef\xbb\xbfFROM a\n"

    def test_a_byte_order_mark_on_a_later_line_belongs_to_the_text(self) -> None:
        assert keywords(parse("FROM a\n\ufeffRUN b\n".encode())) == ["FROM", "\ufeffRUN"]

    def test_line_ends_of_windows_are_no_part_of_a_line(self) -> None:
        dockerfile = parse(b"FROM a\r\nRUN b \\\r\n  c\r\n")
        assert dockerfile.instructions[1].arguments == "b   c"
        assert dockerfile.source(dockerfile.instructions[1]) == "RUN b \\\r\n  c"

    def test_a_lone_carriage_return_ends_no_line(self) -> None:
        assert only("FROM a\rb").arguments == "a\rb"


class TestDirectives:
    @pytest.mark.parametrize("head", ["# escape=`", "#ESCAPE = `  ", "  # Escape=`", "# syntax=x\n# escape=`"])
    def test_are_read_at_the_top(self, head: str) -> None:
        assert parse(f"{head}\nFROM a\n".encode()).escape == "`"

    @pytest.mark.parametrize("head", ["", "# a comment", "# unknown=x", "#", "FROM a"])
    def test_end_at_the_first_other_line(self, head: str) -> None:
        dockerfile = parse(f"{head}\n# escape=`\nFROM a\n".encode())
        assert (dockerfile.escape, dict(dockerfile.directives)) == ("\\", {})

    def test_all_three_are_kept(self) -> None:
        dockerfile = parse(b"# syntax=docker/dockerfile:1\n# check=skip=all\n# escape=`\nFROM a\n")
        assert dict(dockerfile.directives) == {"syntax": "docker/dockerfile:1", "check": "skip=all", "escape": "`"}

    def test_a_second_one_is_an_error(self) -> None:
        assert codes("# escape=`\n# escape=`\nFROM a\n") == ["duplicate-directive"]

    def test_only_two_characters_can_escape(self) -> None:
        assert codes("# escape=x\nFROM a\n") == ["invalid-escape"]


class TestContinuation:
    @pytest.mark.parametrize(
        ("text", "arguments"),
        [
            ("RUN a \\\n b", "a  b"),
            ("RUN a \\ \t\n b", "a  b"),
            ("RUN a\\\nb", "ab"),
            ("RUN a \\\n", "a"),
            ("RUN \\\n  a", "a"),
            ("# escape=`\nRUN a `\n b", "a  b"),
        ],
    )
    def test_joins_lines(self, text: str, arguments: str) -> None:
        assert only(text).arguments == arguments

    @pytest.mark.parametrize("text", ["RUN foo \\\\\nRUN b", "# escape=`\nRUN foo \\\nRUN b", "RUN foo \\ x\nRUN b"])
    def test_needs_a_single_escape_at_the_end(self, text: str) -> None:
        assert keywords(parse(text.encode())) == ["RUN", "RUN"]

    def test_blank_lines_do_not_end_it(self) -> None:
        instruction = only("RUN x \\\n\n\nUSER x\n")
        assert instruction.arguments == "x USER x"
        assert [(p.code, p.line) for p in instruction.problems] == [
            ("empty-continuation", 2),
            ("empty-continuation", 3),
        ]

    def test_comments_within_vanish_whatever_they_end_with(self) -> None:
        instruction = only("RUN a \\\n  # why \\\n && b\n")
        assert instruction.arguments == "a  && b"
        assert instruction.problems == ()
        assert instruction.comments == ()

    def test_a_lone_escape_begins_the_next_instruction(self) -> None:
        instruction = only("\\\n  RUN x\n")
        assert (instruction.keyword, instruction.line, instruction.end_line) == ("RUN", 1, 2)

    def test_white_space_is_stripped_in_front_of_the_first_line_only(self) -> None:
        assert only(" \t\u3000RUN a\\\n  b").arguments == "a  b"


class TestHeredocs:
    def test_bodies_follow_in_order(self) -> None:
        instruction = only("RUN <<A cat <<B\n1\nA\n2\nB\n")
        assert [(h.name, h.body) for h in instruction.heredocs] == [("A", "1\n"), ("B", "2\n")]
        assert (instruction.line, instruction.end_line) == (1, 5)

    @pytest.mark.parametrize("line", ["RUN cat", "COPY a", "ADD a", "ONBUILD RUN cat", "run cat"])
    def test_belong_to_run_copy_and_add(self, line: str) -> None:
        assert len(only(f"{line} <<E\nx\nE\n").heredocs) == 1

    @pytest.mark.parametrize(
        "line",
        [
            "CMD cat <<E",
            "ONBUILD ONBUILD RUN cat <<E",
            'RUN ["cat", "<<E"]',
            "RUN cat '<<E'",
            'RUN cat "<<E"',
            "RUN cat x<<E",
            "RUN cat <<<E",
            "RUN echo it's <<E",
            "RUN echo ${a[0]} <<E",
            "RUN echo $((1<<2))",
        ],
    )
    def test_are_not_seen(self, line: str) -> None:
        first, second = parse(f"{line}\nE\n".encode()).instructions
        assert first.heredocs == ()
        assert second.keyword == "E"

    @pytest.mark.parametrize(
        ("word", "name", "expand", "strip_tabs"),
        [
            ("<<EOF", "EOF", True, False),
            ("<<-EOF", "EOF", True, True),
            ("3<<EOF", "EOF", True, False),
            ("<<'EOF'", "EOF", False, False),
            ('<<-"E F"', "E F", False, True),
            ("<<\\EOF", "EOF", True, False),
            ("<<$EOF", "$EOF", True, False),
            ("<< EOF", "EOF", True, False),
        ],
    )
    def test_end_markers(self, word: str, name: str, expand: bool, strip_tabs: bool) -> None:
        (heredoc,) = only(f"RUN {word}\nx\n{name}\n").heredocs
        assert (heredoc.name, heredoc.expand, heredoc.strip_tabs) == (name, expand, strip_tabs)

    def test_only_tabs_are_stripped(self) -> None:
        (heredoc,) = only("COPY <<-E /x\n\t\t1\n E\n\t 2\n\tE\n").heredocs
        assert heredoc.body == "\t\t1\n E\n\t 2\n"
        assert heredoc.content == "1\n E\n 2\n"

    def test_the_lexer_uses_a_backslash_whatever_the_escape(self) -> None:
        text = '# escape=`\nRUN cat \\"<<E\nx\n'
        assert parse(text.encode()).instructions[0].heredocs == ()

    def test_a_missing_end_is_an_error_and_takes_the_rest(self) -> None:
        instruction = only("RUN <<E\na\nRUN b\n")
        assert instruction.heredocs[0].body == "a\nRUN b\n"
        assert [(p.code, p.line, p.end_line) for p in instruction.problems] == [("unterminated-heredoc", 1, 3)]

    def test_an_instruction_may_follow_at_once(self) -> None:
        assert keywords(parse(b"RUN <<E\na\nE\nUSER x\n# c\n")) == ["RUN", "USER"]


class TestExecForm:
    @pytest.mark.parametrize("keyword", ["RUN", "CMD", "ENTRYPOINT", "SHELL", "COPY", "ADD", "VOLUME"])
    def test_is_tried_first(self, keyword: str) -> None:
        instruction = only(f'{keyword} ["a b", "\\u00e9"]')
        assert instruction.json == ("a b", "é")
        assert [word.value for word in instruction.words] == ["a b", "é"]
        assert [word.raw for word in instruction.words] == ['"a b"', '"\\u00e9"']

    @pytest.mark.parametrize("array", ["['a']", '["a",]', '["a"', '["a"] b', "[a]", "[NaN]", "[" * 100_000])
    def test_anything_else_falls_back_silently(self, array: str) -> None:
        instruction = only(f"CMD {array}")
        assert (instruction.json, instruction.problems) == (None, ())

    @pytest.mark.parametrize("array", ['["a", 1]', "[null]", '[["a"]]'])
    def test_other_things_than_strings_are_an_error(self, array: str) -> None:
        assert [problem.code for problem in only(f"CMD {array}").problems] == ["json-not-strings"]

    def test_an_empty_array_is_one(self) -> None:
        assert only("CMD []").json == ()

    def test_is_read_behind_the_word_of_a_healthcheck(self) -> None:
        instruction = only('HEALTHCHECK --interval=5s CMD ["curl", "x"]')
        assert instruction.json == ("curl", "x")
        assert [word.value for word in instruction.words] == ["CMD", "curl", "x"]

    def test_a_half_surrogate_becomes_the_replacement_character(self) -> None:
        assert only('CMD ["\\ud800"]').json == ("\ufffd",)


class TestWords:
    @pytest.mark.parametrize(
        ("line", "values"),
        [
            ("ENV a=b c='d e' f=\"g h\"", ["a=b", "c=d e", "f=g h"]),
            ("ENV a  b c=d ", ["a", "b c=d"]),
            ("ENV a=b\\ c", ["a=b c"]),
            ('LABEL a="x\\"y\\z"', ['a=x"y\\z']),
            ("LABEL a='x\\'", ["a=x\\"]),
            ("ARG a b=c", ["a", "b=c"]),
            ("WORKDIR /a b", ["/a b"]),
            ('USER "a b"', ["a b"]),
            ("EXPOSE 80 443/tcp", ["80", "443/tcp"]),
            ("FROM a AS b", ["a", "AS", "b"]),
        ],
    )
    def test_values(self, line: str, values: list[str]) -> None:
        assert [word.value for word in only(line).words] == values

    def test_a_list_ends_its_words_at_white_space_even_in_quotes(self) -> None:
        assert [word.raw for word in only('COPY "a b" c').words] == ['"a', 'b"', "c"]

    def test_the_escape_of_the_file_escapes(self) -> None:
        assert [word.value for word in only("# escape=`\nENV a=b` c\\d\n").words] == ["a=b c\\d"]

    def test_flags_come_before_the_arguments(self) -> None:
        instruction = only("COPY --from=b --chown='a b' --link x --y z")
        assert [(flag.name, flag.value) for flag in instruction.flags] == [
            ("from", "b"),
            ("chown", "a b"),
            ("link", ""),
        ]
        assert instruction.flag("from") == "b"
        assert instruction.flag("chmod") is None
        assert instruction.arguments == "x --y z"

    def test_two_dashes_end_the_flags(self) -> None:
        instruction = only("COPY --link -- --x y")
        assert ([flag.name for flag in instruction.flags], instruction.arguments) == (["link"], "--x y")

    def test_flags_escape_with_a_backslash_always(self) -> None:
        instruction = parse(b"# escape=`\nRUN --a=b\\ c d\n").instructions[0]
        assert (instruction.flags[0].value, instruction.arguments) == ("b c", "d")


class TestProblems:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", ["no-instructions"]),
            ("# only a comment\n\n", ["no-instructions"]),
            ("FROM a\nRUN " + "x" * 65_531, []),
            ("FROM a\nRUN " + "x" * 65_532, ["line-too-long"]),
            ("FROM a\nRUN " + "é" * 33_000, ["line-too-long"]),
            ("FROM a\nFOO b\n", ["unknown-instruction"]),
            ("FROM a\n\\\n", ["unknown-instruction"]),
            ("{{ if x }}\nFROM a\n{{ end }}\n", ["missing-from", "unknown-instruction", "unknown-instruction"]),
            ("RUN a\n", ["missing-from"]),
            ("ARG a\n", ["missing-from"]),
            ("FROM\n", ["missing-arguments"]),
            ("FROM a b\n", ["malformed-from"]),
            ("FROM a AS\n", ["malformed-from"]),
            ("FROM a\nCOPY a\n", ["missing-arguments"]),
            ("FROM a\nENV PATH\n", ["missing-arguments"]),
            ("FROM a\nENV a=b c\n", ["malformed-pair"]),
            ("FROM a\nHEALTHCHECK\nHEALTHCHECK CMD\nHEALTHCHECK NONE\n", ["missing-arguments", "missing-arguments"]),
            ("FROM a\nSHELL sh -c\n", ["shell-not-json"]),
            ("FROM a\nCMD\nENTRYPOINT\n", []),
            ("FROM a\nONBUILD\n", ["missing-arguments"]),
            ("FROM a\nONBUILD FOO\n", ["unknown-instruction"]),
        ],
    )
    def test_are_values(self, text: str, expected: list[str]) -> None:
        assert codes(text) == expected

    def test_name_their_lines(self) -> None:
        (problem,) = parse(b"FROM a\n\nFOO \\\n b\n").problems
        assert (problem.line, problem.end_line, problem.message) == (3, 4, "FOO is not an instruction")

    def test_reading_goes_on(self) -> None:
        assert keywords(parse(b"FROM a\n{{ x }}\nUSER b\n")) == ["FROM", "{{", "USER"]


class TestNodes:
    def test_a_comment_directly_above_belongs_to_the_instruction(self) -> None:
        dockerfile = parse(b"FROM a\n# far\n\n# near\n# hadolint ignore=DL3008\nRUN b\nRUN c\n")
        above = [[dockerfile.text[c.start : c.end] for c in i.comments] for i in dockerfile.instructions]
        assert above == [[], ["# near\n", "# hadolint ignore=DL3008\n"], []]

    def test_kinds_and_lines(self) -> None:
        dockerfile = parse(b"# syntax=x\n# c\n\nFROM a\n")
        kinds = [(getattr(node, "kind", "instruction"), node.line) for node in dockerfile.nodes]
        assert kinds == [("directive", 1), ("comment", 2), ("blank", 3), ("instruction", 4)]

    def test_the_trigger_of_onbuild_is_an_instruction(self) -> None:
        instruction = only("ONBUILD COPY --link a \\\n b\n")
        assert instruction.trigger is not None
        assert instruction.trigger.keyword == "COPY"
        assert [flag.name for flag in instruction.trigger.flags] == ["link"]
        assert [word.raw for word in instruction.trigger.words] == ["a", "b"]

    def test_spans_point_into_the_text_across_lines(self) -> None:
        text = "FROM a\n  RUN --x=y one \\\n  # c\n  tw\\\no # end\n"
        dockerfile = parse(text.encode())
        run = dockerfile.instructions[1]
        assert text[run.start : run.end] == "  RUN --x=y one \\\n  # c\n  tw\\\no # end\n"
        assert text[run.arguments_start :].startswith("one")
        assert [text[word.start : word.end] for word in run.words[:2]] == ["one", "tw\\\no"]
        assert [word.raw for word in run.words[:2]] == ["one", "two"]
        assert text[run.flags[0].start : run.flags[0].end] == "--x=y"
