"""Expressions that name files and ports, as services write them."""

import pytest

from imageopt.project.javascript import arguments, constants, split, string_value, without_comments
from imageopt.project.places import Place, Scope, number, place

SCOPE = Scope(
    constants={
        "root": "path.resolve(__dirname, '..')",
        "data": "process.env.DATA_DIR ?? 'data'",
        "config.uploads": "join(root, 'uploads')",
        "port": "Number(process.env.PORT ?? 3000)",
        "self": "self",
        "again": "`${again}/x`",
    },
    folder="dist",
    environment={"LOGS": "/var/log/app", "PORT_SET": "8080", "ODD": "x"},
)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'public'", Place("public")),
        ('"./a/../b"', Place("b")),
        ("__dirname", Place("dist")),
        ("path.join(__dirname, '..', 'public')", Place("public")),
        ("join(root, 'views', 'a.hbs')", Place("views/a.hbs")),
        ("path.resolve('/data', 'x')", Place("/data/x")),
        ("process.cwd()", Place(".")),
        ("path.join(process.cwd(), 'x') as string", Place("x")),
        ("import.meta.dirname", Place("dist")),
        ("new URL('../views/', import.meta.url)", Place("views")),
        ("fileURLToPath(new URL('x.txt', import.meta.url))", Place("dist/x.txt")),
        ("path.dirname(fileURLToPath(import.meta.url))", Place("dist")),
        ("path.dirname(__filename)", Place("dist")),
        ("data", Place("data")),
        ("config.uploads", Place("uploads")),
        ("(process.env.LOGS || 'logs')", Place("/var/log/app")),
        ("process.env['LOGS']!", Place("/var/log/app")),
        ("`${root}/assets`", Place("assets")),
        ("__dirname + '/../x'", Place("x")),
        ("os.tmpdir()", Place("/tmp")),
        ("`${data}/${id}.json`", Place("data", open=True)),
        ("path.join(data, name)", Place("data", open=True)),
        ("path.join(data, name, 'x')", Place("data", open=True)),
        ("path.join(data, `${id}.json`)", Place("data", open=True)),
        ("data + '/' + name", Place("data", open=True)),
        ("`/data/${id}`", Place("/data", open=True)),
        ("path.dirname(join(data, name))", Place("data", open=True)),
        ("await data", Place("data")),
        ("process.env.UNKNOWN", None),
        ("name ?? 'x'", None),
        ("`${name}`", None),
        ("name + 'x'", None),
        ("path.join(name, 'x')", None),
        ("path.join()", None),
        ("path.dirname(name)", None),
        ("new URL(name, import.meta.url)", None),
        ("self", None),
        ("again", None),
        ("", None),
        ("f(x)", None),
        ("'a\\0b'", Place("a0b")),
    ],
)
def test_a_place_is_worked_out_or_unknown(expression: str, expected: Place | None) -> None:
    assert place(expression, SCOPE) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("3000", 3000),
        ("8_080", 8080),
        ("port", 3000),
        ("process.env.PORT_SET || 3000", 8080),
        ("+(process.env.PORT || '4000')", 4000),
        ("parseInt(process.env.PORT ?? '5000', 10)", 5000),
        ("Number.parseInt('1', 10)", 1),
        ("process.env.ODD", None),
        ("process.env.ODD || 1", 1),
        ("self", None),
        ("'/run/app.sock'", None),
        ("", None),
    ],
)
def test_a_number_is_worked_out_or_unknown(expression: str, expected: int | None) -> None:
    assert number(expression, SCOPE) == expected


def test_comments_go_and_offsets_stay() -> None:
    text = "a // it's\nb /* 'x\n */ c '// no' `/* no ${'}'} */` x = /[/'\"]/g.test(y) / 2 // z\nd/2; /unclosed\n'open"
    plain = without_comments(text)
    assert len(plain) == len(text)
    assert plain.count("\n") == text.count("\n")
    assert "it's" not in plain
    assert " z" not in plain
    assert "'// no' `/* no ${'}'} */` x = /[/'\"]/g.test(y) / 2" in plain
    assert without_comments("/* open") == "       "


def test_arguments_are_split_outside_of_brackets_and_strings() -> None:
    text = "f(a, g(b, c), 'd, e', { x: [1, 2] }, `${h(i, j)}`)"
    assert arguments(text, 1) == ("a", "g(b, c)", "'d, e'", "{ x: [1, 2] }", "`${h(i, j)}`")
    assert arguments("f(a, (b", 1) == ("a", "(")
    assert split("a && (b && c)", "&&") == ("a", "(b && c)")


@pytest.mark.parametrize(
    ("text", "value"), [("'a\\'b'", "a'b"), ("`a`", "a"), ("`${a}`", None), ("'a' + 'b'", None), ("'", None)]
)
def test_only_a_whole_literal_has_a_value(text: str, value: str | None) -> None:
    assert string_value(text) == value


def test_constants_are_those_given_once() -> None:
    found = constants(
        "const a: string = 'x';\nexport const b = join(\n  a,\n  'y'\n)\nlet c = 1; c = 2\nlet d = 1; let d = 2\n"
        "const e = process.env.E\n  ?? 'z'\nconst config = {\n  port: 1,\n  'dir': join(a, 'b'),\n  deep: { x: 2 }, short\n};\n"
        "const frozen = Object.freeze({ k: 'v' });\nlet n = 0; n += 1\nconst f = (x) => x\n"
    )
    assert found["a"] == "'x'"
    assert found["b"] == "join(\n  a,\n  'y'\n)"
    assert found["e"] == "process.env.E\n  ?? 'z'"
    assert {name: found[name] for name in ("config.port", "config.dir", "config.deep.x", "frozen.k")} == {
        "config.port": "1",
        "config.dir": "join(a, 'b')",
        "config.deep.x": "2",
        "frozen.k": "'v'",
    }
    assert not {"c", "d", "n"} & set(found)
