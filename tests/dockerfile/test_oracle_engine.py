"""A real BuildKit expands, inherits and ignores; ours must say the same of the same files."""

import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from imageopt.dockerfile import parse
from imageopt.dockerfile.environment import stage_environment
from imageopt.dockerfile.expand import expansion
from imageopt.dockerfile.ignore import parse_ignore

pytestmark = [pytest.mark.engine, pytest.mark.oracle]

TAG = "imageopt-tests-dockerfile:oracle"
VARIABLES = {"x": "value", "empty": "", "path": "/usr/local/bin", "version": "1.2.3", "star": "a*b"}
FORMS_TEXT = """
    $x a$x.b ${x}b $xb $unset "$x" '$x' \\$x "\\$x" "a\\b" a\\b 'a'"b"c $ a$.b
    ${x:-y} ${unset:-y} ${empty:-y} ${empty-y} ${unset-y} ${x:+y} ${empty:+y} ${empty+y} ${unset+y} ${x:?bad}
    ${unset:-$x} ${unset:-${other:-deep}} ${unset:-'a}b'} ${unset:-a\\}b}
    ${path#*/} ${path##*/} ${path%/*} ${path%%/*} ${version%.*} ${version%%.*} ${version#?.} ${version#x} ${star#a\\*}
    ${version/./-} ${version//./-} ${version/?./-} ${version//?./-} ${version/*/-} ${version//*/-} ${path//\\//:}
    ${unset/a/b} ${1} $1x ${star//\\*/-} ${version//[0-9]/n} ${x//l/} ${x%%e*} ${x#*} ${x##*}
"""
FORMS = FORMS_TEXT.split()


@pytest.fixture
def image(engine: str) -> Iterator[str]:
    yield TAG
    subprocess.run(["docker", "image", "rm", "--force", TAG], check=False, capture_output=True, timeout=60)


def build(context: Path, dockerfile: str, *options: str) -> None:
    (context / "Dockerfile").write_text(dockerfile)
    command = ["docker", "buildx", "build", "--quiet", *options, str(context)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_expansion(image: str, tmp_path: Path) -> None:
    values = " ".join(f"{name}={value!r}" for name, value in VARIABLES.items())
    labels = "\n".join(f"LABEL l{number}={form}" for number, form in enumerate(FORMS))
    build(tmp_path, f"FROM scratch\nENV {values}\n{labels}\n", "--load", "--tag", image)
    command = ["docker", "image", "inspect", "--format", "{{json .Config.Labels}}", image]
    built = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    expanded = {f"l{number}": expansion(form, VARIABLES).text for number, form in enumerate(FORMS)}
    assert {FORMS[int(name[1:])]: value for name, value in expanded.items()} == {
        FORMS[int(name[1:])]: value for name, value in built.items()
    }


STAGES = """
ARG GLOBAL=g
ARG UNUSED=u
FROM scratch AS base
ARG OWN=1
ARG GLOBAL
ENV A=$OWN B=$GLOBAL C=$UNUSED
WORKDIR srv
FROM base
ARG LATE=$OWN.$A
ENV OWN=env LATE=$LATE A=x D=$A
WORKDIR $OWN/../$D
USER $GLOBAL
LABEL own=$OWN late=$LATE given=$GIVEN
ARG GIVEN=default SECOND=$OWN.2
ARG A
ARG A=later
ENV E=$A
ENV B=last
ARG B
LABEL given=$GIVEN second=$SECOND a=$A b=$B
"""


def test_scopes(image: str, tmp_path: Path) -> None:
    build(tmp_path, STAGES, "--load", "--tag", image, "--build-arg", "GIVEN=given")
    command = ["docker", "image", "inspect", "--format", "{{json .Config}}", image]
    config = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    tree = parse(STAGES.encode())
    end = stage_environment(tree, tree.stages[-1], {"GIVEN": "given"})
    built = dict(pair.split("=", 1) for pair in config["Env"])
    built.pop("PATH", None)  # BuildKit gives every image one
    assert dict(end.env) == built
    assert (end.workdir, end.user) == (config["WorkingDir"], config["User"])
    names = ("own", "late", "given", "second", "a", "b")
    assert config["Labels"] == {name: end.known(f"${name.upper()}") for name in names}


def test_history(image: str, tmp_path: Path) -> None:
    text = "FROM alpine AS base\nARG P=p\nFROM base\nARG B=2\nARG A C=$P\nENV B=env\nARG B=3\nENV C=c\nRUN true\n"
    build(tmp_path, text, "--load", "--tag", image, "--build-arg", "A=given")
    command = ["docker", "history", "--no-trunc", "--format", "{{.CreatedBy}}", image]
    newest = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()[0]
    tree = parse(text.encode())
    run = tree.stages[-1].instructions[-1]
    arguments = stage_environment(tree, tree.stages[-1], {"A": "given"}, at=run).arguments
    listed = " ".join(f"{name}={value}" for name, value in arguments)
    assert newest == f"RUN |{len(arguments)} {listed} /bin/sh -c true # buildkit"


FILES_TEXT = """
    README.md docs/README.md docs/a.md docs/deep/b.md src/a.js src/lib/a.js src/lib/a.test.js .env .env.example
    node_modules/x/index.js packages/a/node_modules/y/index.js packages/a/src/catalog packages/log logs/log a-b/c
    x/y x/z build/keep/me build/drop abc adc [odd] $dollar (p) été/é
"""
FILES = FILES_TEXT.split()
IGNORES = [
    "*\n!src\n!*.md\n",
    "**/node_modules\n**/*.test.js\n.env*\n!.env.example\n",
    "docs\n!docs/README.md\n!docs/deep/*.md\n",
    "**log\na?c\n[[]odd]\n\\$dollar\n(p)\n",
    "**log*\n/x/y\n!x\nbuild/*\n!build/keep\n",
    "x\n!x/y\nx/../build/\n# abc\n été/*\n",
    "**\n!**/*.md\ndocs/**/b.md\n",
    "packages/**/node_modules\npackages/*/src/*\n!**/catalog\na[^a-c]c\n",
]


@pytest.mark.parametrize("rules", IGNORES)
def test_ignoring(engine: str, tmp_path: Path, rules: str) -> None:
    context = tmp_path / "context"
    for name in FILES:
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        (context / name).write_text(name)
    (context / ".dockerignore").write_text(rules)
    layer = tmp_path / "layer.tar"
    build(context, "FROM scratch\nCOPY . /\n", "--output", f"type=tar,dest={layer}")
    with tarfile.open(layer) as archive:
        sent = {member.name for member in archive if member.isfile()} & set(FILES)
    ignore = parse_ignore(rules)
    assert {name for name in FILES if not ignore.excludes(name)} == sent
