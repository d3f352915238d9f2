"""Fixes asked directly, also for what no rule sees without an image: the text before, and the text after or None."""

from collections.abc import Callable

import pytest
from rewrite.fixing import RULES, assert_shells_read

from imageopt.dockerfile import parse
from imageopt.dockerfile.edit import apply
from imageopt.evidence.join import join
from imageopt.rewrite.fixes import cleanup, copies, ignored, options, runs, starts, syntax
from imageopt.rewrite.fixes.model import Outcome, Refusal, Site
from imageopt.rules.finding import stated

Fix = Callable[[Site], Outcome]


def asked(fix: Fix, text: str, line: int = 0) -> str | None:
    """What the fix makes of the instruction in that line, the last one for 0; None where it refuses."""
    tree = parse(text.encode())
    shown = join(None, tree, None)
    instruction = next(item for item in reversed(tree.instructions) if line in (0, item.line))
    rule = RULES[0]
    finding = stated(shown, rule, instruction)
    site = Site(tree, tree.stage_of(instruction), instruction, instruction.start, finding, rule, shown)
    outcome = fix(site)
    if isinstance(outcome, Refusal):
        assert outcome.reason
        return None
    assert isinstance(outcome, tuple)
    return apply(text, outcome)


RUNS: list[tuple[Fix, str, str | None]] = [
    # fix, the RUN before, the RUN after or None
    (cleanup.drop_system_cache, "dnf install -y a && make", "dnf install -y a && dnf clean all && make"),
    (cleanup.drop_system_cache, "yum clean all && yum -y install a", "yum clean all && yum -y install a && yum clean all"),
    (cleanup.drop_system_cache, "microdnf install a && microdnf clean all", None),
    (cleanup.drop_system_cache, "zypper -n install a", "zypper -n install a && zypper clean --all"),
    (cleanup.drop_system_cache, "sudo apt-get install -y a", "sudo apt-get install -y a && sudo apt-get clean"),
    (cleanup.drop_system_cache, "apt-get install -y a && apt-get clean", None),
    (cleanup.drop_system_cache, "apk add a && apk add --no-cache b", "apk add --no-cache a && apk add --no-cache b"),
    (cleanup.drop_system_cache, "apk update && apk add a && rm -rf /var/cache/apk/*", None),
    (cleanup.drop_system_cache, "make", None),
    (cleanup.drop_apt_lists, "sudo apt update", "sudo apt update && sudo rm -rf /var/lib/apt/lists/*"),
    (cleanup.drop_apt_lists, "./install.sh", None),
    (cleanup.drop_apt_lists, "apt-get update && rm -rf /var/lib/apt/lists", None),
    (cleanup.drop_language_cache, "pip3 install -r a && pip wheel --no-cache-dir b", "pip3 install --no-cache-dir -r a && pip wheel --no-cache-dir b"),
    (cleanup.drop_language_cache, "python3 -m pip install a", "python3 -m pip install --no-cache-dir a"),
    (cleanup.drop_language_cache, "pip list", None),
    (cleanup.drop_language_cache, "go build -o /a ./... && strip /a", "go build -o /a ./... && go clean -cache -modcache && strip /a"),
    (cleanup.drop_language_cache, "go build ./... && go clean -cache", None),
    (cleanup.drop_node_cache, "npm run install", None),
    (cleanup.drop_node_cache, "npm ci && npm cache clean --force", None),
    (cleanup.drop_node_cache, "yarn install", None),
    (cleanup.drop_node_cache, "yarn global add a", "yarn global add a && yarn cache clean"),
    (cleanup.drop_composer_cache, "make", None),
    (cleanup.drop_composer_cache, "composer install && composer clear-cache", None),
    (cleanup.drop_pecl_temporary, "pecl install a && rm -rf /tmp/*", None),
    (cleanup.drop_pecl_temporary, "rm -rf /tmp/pear && pecl install a", "rm -rf /tmp/pear && pecl install a && rm -rf /tmp/pear"),
    (cleanup.delete_php_source, "docker-php-source extract && docker-php-source delete", None),
    (options.answer_yes, "make", None),
    (options.answer_yes, "apt-get install -qq a", None),
    (options.no_log_init, "useradd -u 1234567890 a", "useradd --no-log-init -u 1234567890 a"),
    (options.no_log_init, "useradd -l -u 1234567890 a || useradd b", None),
    (runs.join_update, "apt-get update", None),
    (runs.use_workdir, "make | cd /a", None),
    (runs.drop_sudo, "make", None),
    (starts.write_list, "make", None),
]  # fmt: skip


@pytest.mark.parametrize(("fix", "before", "expected"), RUNS, ids=[case[1] for case in RUNS])
def test_a_run(fix: Fix, before: str, expected: str | None) -> None:
    text = asked(fix, f"FROM debian\nRUN {before}\n")
    assert text == (None if expected is None else f"FROM debian\nRUN {expected}\n")
    if text is not None:
        assert_shells_read(text)
        assert asked(fix, text) in (None, text)


COMMANDS: tuple[Fix, ...] = (
    cleanup.drop_apt_lists, cleanup.drop_system_cache, cleanup.drop_language_cache, cleanup.drop_node_cache,
    cleanup.drop_composer_cache, cleanup.drop_pecl_temporary, cleanup.delete_php_source, options.answer_yes,
    options.no_log_init, runs.use_workdir,
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nCOPY b c\n",
        'FROM a\nRUN ["apt-get", "update"]\n',
        '# escape=`\nFROM a\nSHELL ["powershell"]\nRUN apt-get update\n',
        "FROM a\nRUN <<EOF\r\napt-get update\r\nEOF\r\n",
        "FROM a\nRUN <<EOF\napt-get update\n",
        "FROM a\n",
    ],
)
@pytest.mark.parametrize("fix", COMMANDS, ids=lambda fix: fix.__name__)
def test_what_no_posix_shell_reads_is_left_alone(fix: Fix, text: str) -> None:
    assert asked(fix, text) is None


def test_what_a_later_line_builds_with_stays() -> None:
    text = "FROM golang\nRUN go mod download\nRUN go build ./...\n"
    assert asked(cleanup.drop_language_cache, text, line=2) is None
    assert asked(cleanup.drop_language_cache, text, line=3) is not None


@pytest.mark.parametrize(
    ("fix", "before", "expected"),
    [
        (copies.add_to_copy, "ADD --chown=a b c", "COPY --chown=a b c"),
        (copies.add_to_copy, "add b c", "copy b c"),
        (copies.add_to_copy, "ADD --keep-git-dir b c", None),
        (copies.add_to_copy, "COPY b c", None),
        (copies.clear_destination, "COPY a $B", None),
        (copies.clear_destination, "COPY a /b", None),
        (options.drop_redundant_platform, "COPY a b", None),
        (syntax.drop_blank_lines, "CMD a", None),
        (syntax.write_json, "CMD a", None),
        (syntax.write_json, "CMD ['a' 'b']", None),
        (syntax.modernise, "EXPOSE 80:80", "EXPOSE 80:80"),
        (syntax.drop_suppression, "CMD a", None),
        (runs.drop_replaced, "COPY <<E /a\nb\nE", None),
        (ignored.ignore_modules, "COPY a b", None),
        (ignored.ignore_secrets, "COPY a b", None),
        (ignored.ignore_useless, "COPY a b", None),
        (ignored.ignore_php_development, "COPY a b", None),
    ],
)
def test_another_instruction(fix: Fix, before: str, expected: str | None) -> None:
    assert asked(fix, f"FROM a\n{before}\n") == (None if expected is None else f"FROM a\n{expected}\n")
