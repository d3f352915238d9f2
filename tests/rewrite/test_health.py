"""HEALTHCHECKs that lose their curl."""

import shutil
import subprocess

import pytest

from imageopt.dockerfile.model import Instruction
from imageopt.dockerfile.parser import parse
from imageopt.rewrite.health import needs_program, with_node


def healthcheck(text: str) -> Instruction:
    return parse(f"FROM a\nHEALTHCHECK {text}\n".encode()).instructions[1]


def fetching(url: str, ok: str = "r.ok") -> str:
    return f"fetch('{url}').then(r=>process.exit({ok}?0:1),()=>process.exit(1))"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CMD curl -f http://localhost:3000/health || exit 1", f'CMD ["node", "-e", "{fetching("http://127.0.0.1:3000/health")}"]'),
        ('CMD ["curl", "-fsS", "http://app:3000"]', f'CMD ["node", "-e", "{fetching("http://app:3000")}"]'),
        ('--interval=5s CMD ["sh", "-c", "curl --fail http://app/"]', f'CMD ["node", "-e", "{fetching("http://app/")}"]'),
        ("CMD curl -s -o /dev/null http://app/", f'CMD ["node", "-e", "{fetching("http://app/", "true")}"]'),
        ("CMD wget -q -O - http://app/ >/dev/null 2>&1", f'CMD ["node", "-e", "{fetching("http://app/")}"]'),
        ("CMD wget --spider --tries=1 'http://localhost:${PORT:-80}/'; exit 1", f'CMD node -e "{fetching("http://127.0.0.1:${PORT:-80}/")}"'),
        ("CMD curl -H 'Host: x' http://app/", None),
        ("CMD curl -f http://a/ http://b/", None),
        ("CMD curl -f http://a/ | grep ok", None),
        ("CMD curl -f http://a/ && curl -f http://b/", None),
        ("CMD curl -f $URL", None),
        ("CMD [\"curl\"", None),
        ("CMD []", None),
        ("CMD node health.js", None),
        ("NONE", None),
    ],
)  # fmt: skip
def test_a_plain_probe_is_asked_with_node(text: str, expected: str | None) -> None:
    assert with_node(healthcheck(text)) == expected


@pytest.mark.parametrize(
    ("text", "program"),
    [("CMD curl -f x", "curl"), ('CMD ["wget", "x"]', "wget"), ("CMD node curl-like.js", None), ("NONE", None)],
)
def test_which_program_a_probe_calls(text: str, program: str | None) -> None:
    assert needs_program(healthcheck(text)) == program


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here to run the probe with")
def test_the_probe_is_javascript_that_fails_where_nobody_answers() -> None:
    translated = with_node(healthcheck("CMD curl -f http://localhost:1/"))
    assert translated is not None
    tree = parse(f"FROM a\nCMD {translated.removeprefix('CMD ')}\n".encode())
    words = tree.instructions[1].json
    assert words is not None
    assert subprocess.run(words, check=False, timeout=20).returncode == 1
