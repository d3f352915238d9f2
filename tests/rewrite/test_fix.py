"""All of `--fix`: on every rule's bad examples, on odd bytes, with an image, with an ignore file, on generated files."""

from pathlib import Path

import pytest
from evidence.small_images import image, record
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rewrite.fixing import NOW, RULES, after, assert_shells_read, in_folder, mend

from imageopt.config import Waiver
from imageopt.dockerfile import parse
from imageopt.dockerfile.edit import before
from imageopt.dockerfile.model import Edit
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence
from imageopt.rewrite.fix import fix
from imageopt.rewrite.fixes.model import Outcome, Site
from imageopt.rewrite.fixes.registry import FIXES
from imageopt.rewrite.model import Rewrite
from imageopt.rules.check import judge
from imageopt.rules.model import Example, Rule

EXAMPLES = [
    (rule, example, f"{rule.name}-{number}")
    for rule in RULES
    for number, example in enumerate(rule.examples, 1)
    if rule.name in FIXES and example.kind == "bad" and not example.leaves
]
# bad examples that only a person can mend: example -> a part of the reason
FOR_A_PERSON = {
    "no-cache-mount-1": "say with `# syntax",
    "no-cache-mount-2": "say with `# syntax",
    "no-cache-mount-3": "say with `# syntax",
    "platform-constant-or-redundant-1": "it decides for which processor",
    "package-update-alone-2": "does not stand directly below",
    "host-node-modules-copied-1": "folder is not known",
    "env-file-or-key-copied-1": "folder is not known",
    "deleted-in-later-layer-1": "not made by a RUN directly above",
    "deleted-in-later-layer-6": "does not name what is removed here",
    "copied-up-by-chown-chmod-4": "may write there too",
    "empty-continuation-1": "looks like an instruction",
    "copy-many-without-slash-2": "is not known here",
    "copy-many-without-slash-3": "say with WORKDIR",
    "deprecated-syntax-2": "cannot be told",
    "unused-or-expired-suppression-3": "correct the name",
}


def comments(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.lstrip().startswith("#")]


@pytest.mark.parametrize(("rule", "example", "name"), EXAMPLES, ids=[name for _, _, name in EXAMPLES])
def test_every_bad_example_is_mended_or_says_why_not(rule: Rule, example: Example, name: str, tmp_path: Path) -> None:
    text = f"{example.dockerfile}\n"
    shown = in_folder(tmp_path, {**example.files, "Dockerfile": text}) if example.files else None
    rewrite = mend(text, rule.name, evidence=shown)
    reasons = [refusal.reason for refusal in rewrite.refusals]
    if name in FOR_A_PERSON:
        assert rewrite.changes == ()
        assert any(FOR_A_PERSON[name] in reason for reason in reasons)
        return
    assert rewrite.outcome == "proposed", reasons
    assert rule.name in [done.name for done in rewrite.transformed]
    mended = after(text, rewrite)
    assert_shells_read(mended)
    if rule.name != "unused-or-expired-suppression":
        assert comments(mended) == comments(text)
    for change in rewrite.changes:
        (tmp_path / change.path).write_bytes(change.after)
    again = in_folder(tmp_path, {"Dockerfile": mended}) if example.files else join(None, parse(mended.encode()), None)
    assert rule.name not in [finding.rule for finding in judge(again, RULES, now=NOW).findings]
    assert mend(mended, rule.name, evidence=again).changes == ()


def test_every_exception_is_an_example() -> None:
    assert set(FOR_A_PERSON) <= {name for _, _, name in EXAMPLES}


@pytest.mark.parametrize(("rule", "example", "name"), EXAMPLES, ids=[name for _, _, name in EXAMPLES])
def test_line_ends_and_odd_bytes_elsewhere_stay(rule: Rule, example: Example, name: str) -> None:
    head = "" if example.dockerfile.startswith("#") else "# \udcff  \t odd \r\n\r\n \t\r\n"
    text = head + f"{example.dockerfile}\n".replace("\n", "\r\n")
    data = text.encode("utf-8", "surrogateescape")
    shown = join(None, parse(data), None)
    found = [item for item in judge(shown, RULES, now=NOW).findings if item.rule == rule.name]
    for change in fix(shown, found, RULES, now=NOW).changes:
        assert change.before == data
        assert change.after.startswith(head.encode("utf-8", "surrogateescape"))
        assert change.after.count(b"\n") == change.after.count(b"\r\n")


BUSY = """\
# syntax=docker/dockerfile:1
FROM node:22 as build
MAINTAINER me
# the tools
RUN sudo apt-get update
# of the build
RUN apt-get install -y git \\

    curl # last
WORKDIR /app
COPY package.json package-lock.json /app
RUN npm ci
CMD node a.js
CMD ['node', 'b.js']
"""


def test_all_fixes_together_leave_nothing_for_a_second_run() -> None:
    rewrite = mend(BUSY)
    text = after(BUSY, rewrite)
    assert mend(text).changes == ()
    assert comments(text) == comments(BUSY)
    assert_shells_read(text)
    assert 'LABEL org.opencontainers.image.authors="me"' in text
    assert text.endswith(
        'COPY package.json package-lock.json /app/\nRUN --mount=type=cache,target=/root/.npm npm ci\nCMD ["node", "b.js"]\n'
    )


def test_what_is_left_is_told_with_its_line_and_advice() -> None:
    rewrite = mend("FROM node:22\nCMD node a.js\n")
    told = {refusal.name: refusal.reason for refusal in rewrite.refusals}
    advice = next(rule.fix.text for rule in RULES if rule.name == "fat-base-image")
    assert told["fat-base-image"] == f"line 1: {advice}"


def test_a_refusal_names_the_line_of_the_old_text() -> None:
    text = "FROM debian\nRUN b \\\n\n  && c\nCOPY a b /c\nCMD x\nCMD $A\n"
    rewrite = mend(text, "empty-continuation", "overridden-cmd-entrypoint-healthcheck", "shell-form-cmd")
    assert after(text, rewrite) == "FROM debian\nRUN b \\\n  && c\nCOPY a b /c\nCMD $A\n"
    assert [refusal.reason[:6] for refusal in rewrite.refusals] == ["line 7"]


def test_nothing_to_mend() -> None:
    assert mend("FROM scratch\n", "apt-lists-left").notes == ("there is nothing to mend",)
    assert fix(join(None, None, None), (), RULES).outcome == "nothing"


def test_what_is_suppressed_or_waived_stays() -> None:
    text = "FROM debian\nRUN apt-get update\n"
    shown = join(None, parse(text.encode()), None)
    waivers = (Waiver("apt-lists-left", "x", None, "imageopt.toml", 1),)
    judged = judge(shown, RULES, waivers=waivers, now=NOW)
    assert fix(shown, judged.findings, RULES, waivers=waivers, now=NOW).changes == ()
    commented = text.replace("RUN", "# imageopt ignore=apt-lists-left; reason=x\nRUN")
    assert mend(commented).changes == ()


@pytest.mark.parametrize(
    ("replacement", "reason"),
    [
        ("RUN apt-get update\n", "it would bring about apt-lists-left"),
        ("# nothing\n", "the finding would stay"),
        ("COPY <<EOF /x\n", "the edited file would not be read"),
        ("RUN echo 'a\n", "the shell would not read the edited RUN"),
    ],
)
def test_an_edit_that_does_harm_is_dropped(replacement: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def harmful(site: Site) -> Outcome:
        keeps = replacement.startswith("#")
        start = site.instruction.end if keeps else site.instruction.start
        return (Edit(start, site.instruction.end, replacement),)

    monkeypatch.setattr("imageopt.rewrite.fix.find_fix", lambda _: harmful)
    rewrite = mend("FROM debian\nCOPY a b /c\nUSER me\n", "copy-many-without-slash")
    assert rewrite.changes == ()
    assert rewrite.refusals[0].reason.startswith(f"line 2: {reason}")


def test_edits_that_overlap_are_made_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(site: Site) -> Outcome:
        place, text = site.instruction.words[-1], site.dockerfile.text
        return (Edit(place.start, len(text), f"{place.raw}/{text[place.end :]}"),)

    monkeypatch.setattr("imageopt.rewrite.fix.find_fix", lambda _: greedy)
    text = "FROM debian\nCOPY a b /c\nCOPY a b /d\n"
    assert after(text, mend(text, "copy-many-without-slash")) == "FROM debian\nCOPY a b /c/\nCOPY a b /d/\n"


class TestWithAnImage:
    TEXT = "FROM debian:12\nRUN apt-get update\nRUN touch /x\n"

    def evidence(self, *paths: tuple[str, int, int]) -> Evidence:
        history = ["base", "RUN /bin/sh -c apt-get update # buildkit", "RUN /bin/sh -c touch /x # buildkit"]
        shown = image(history, [record(path, size, layer, "live", None) for path, size, layer in paths])
        return join(shown, parse(self.TEXT.encode()), None)

    def test_the_bytes_of_what_is_mended_are_counted(self) -> None:
        rewrite = mend(self.TEXT, "apt-lists-left", evidence=self.evidence(("var/lib/apt/lists/a", 500_000, 1)))
        assert "update && rm -rf" in after(self.TEXT, rewrite)
        assert (rewrite.predicted_bytes, rewrite.predicted_basis) == (500_000, "exact")
        assert rewrite.transformed[0].predicted_bytes == 500_000

    def test_what_the_image_shows_to_be_absent_is_left_alone(self) -> None:
        assert mend(self.TEXT, "apt-lists-left", evidence=self.evidence(("usr/bin/a", 1, 1))).changes == ()

    def test_a_script_that_leaves_bytes_is_not_edited(self) -> None:
        rewrite = mend(self.TEXT, "apt-lists-left", evidence=self.evidence(("var/lib/apt/lists/a", 500_000, 2)))
        assert rewrite.changes == ()
        assert rewrite.refusals[0].reason.startswith("line 3: what fills it is not a command")


def test_where_a_mended_place_stood_before() -> None:
    edits = (Edit(0, 0, "ab"), Edit(2, 4, ""), Edit(5, 6, "xyz"))  # "012345678" -> "ab014xyz678"
    assert [before(offset, edits) for offset in range(2, 11)] == [0, 1, 4, 5, 5, 5, 6, 7, 8]


class TestTheIgnoreFile:
    DOCKERFILE = 'FROM node:22-slim\nWORKDIR /app\nCOPY . .\nCMD ["node", "a.js"]\n'
    RULE = "env-file-or-key-copied"

    def mended(self, folder: Path, **files: str) -> Rewrite:
        given = {
            "Dockerfile": self.DOCKERFILE,
            "package.json": "{}",
            **{k.replace("_", "."): v for k, v in files.items()},
        }
        text = given["Dockerfile"]
        return mend(text, self.RULE, evidence=in_folder(folder, given))

    def test_it_is_made_where_there_is_none(self, tmp_path: Path) -> None:
        (change,) = self.mended(tmp_path, _env="A=b", a_pem="x").changes
        assert (change.path, change.before) == (".dockerignore", None)
        assert change.after == b"# secrets: given when the container starts\n.env\na.pem\n"

    def test_an_existing_one_keeps_its_bytes(self, tmp_path: Path) -> None:
        (change,) = self.mended(tmp_path, _env="A=b", _dockerignore="dist\r\n# mine").changes
        assert change.after.startswith(b"dist\r\n# mine\r\n\r\n# secrets")
        assert change.after.endswith(b"\r\n.env\r\n")

    def test_what_only_developing_needs_of_php(self, tmp_path: Path) -> None:
        text = "FROM php:8.4-fpm\nWORKDIR /app\nCOPY . .\n"
        project = in_folder(tmp_path, {"Dockerfile": text, "tests/a.php": "", "vendor/autoload.php": ""}).project
        left = [("app/vendor/autoload.php", 800), ("app/vendor/a/b/tests/c.php", 160_000)]
        shown = image(["base", "COPY . . # buildkit"], [record(path, size, 1, "live", None) for path, size in left])
        rewrite = mend(text, "php-dev-artifacts", evidence=join(shown, parse(text.encode()), project))
        assert [(change.path, change.after) for change in rewrite.changes] == [
            (".dockerignore", b"# only developing needs these\ntests\n")
        ]
        assert rewrite.transformed[0].safety == "verify"

    def test_what_is_copied_by_name_stays(self, tmp_path: Path) -> None:
        dockerfile = self.DOCKERFILE.replace("COPY . .", "COPY . .\nCOPY .env ./")
        rewrite = self.mended(tmp_path, _env="A=b", Dockerfile=dockerfile)
        assert rewrite.changes == ()


LINES = [
    "FROM debian AS a", "from node:22-slim", "FROM a", "MAINTAINER me", "ENV A b", "# why", "", "WORKDIR app", "USER node",
    "ADD a b", "COPY . /app", "COPY a b /c", "RUN chown -R node:node /app", "RUN rm -rf /tmp/a", "RUN make /tmp/a \\",
    "  && make b", "  && apt-get update \\", "RUN apt-get update", "RUN apt-get install git", "RUN sudo make", "RUN cd /x",
    "RUN <<EOF", "apk add a", "EOF", "RUN apk add git; \\", "CMD a b", "CMD ['a']", "ENTRYPOINT x", "EXPOSE 80/TCP",
    "RUN npm ci \\", "\t# within", "# imageopt ignore=IO101", "RUN set -e; npm i; \\", "    npm t", "RUN pecl install x",
]  # fmt: skip
FILES = st.tuples(st.lists(st.sampled_from(LINES), max_size=14), st.sampled_from(["\n", "\r\n"])).map(
    lambda drawn: drawn[1].join(("FROM debian", *drawn[0], ""))
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FILES)
def test_any_file_survives(text: str) -> None:
    before = parse(text.encode())
    mended = after(text, mend(text))
    tree = parse(mended.encode())
    assert len(tree.problems) <= len(before.problems)
    assert len(tree.stages) == len(before.stages)
    assert after(mended, mend(mended)) == mended
    if "\r\n" in text:
        assert mended.count("\n") == mended.count("\r\n")


@pytest.mark.slow
def test_a_file_with_hundreds_of_findings_ends_soon() -> None:
    text = "FROM debian\n" + "RUN sudo make\nCOPY a b /c\n" * 400
    rewrite = mend(text, "copy-many-without-slash")
    assert after(text, rewrite).count("/c/\n") == 400
