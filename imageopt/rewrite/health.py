"""A HEALTHCHECK that calls curl or wget, in words that need only Node, or only Python.

The small images hold neither (alpine's wget is not GNU's). Only a plain HTTP probe is translated. Anything more
(headers, bodies, pipes) is left to the caller, who must then keep the program it needs.
"""

import json
import re

from imageopt.dockerfile.model import Instruction

_FAILS = r"(?:\s*(?:\|\||;)\s*exit\s+1)?"
_QUIET = re.compile(
    r"-[fsSLqkO-]+|--(?:fail|silent|show-error|quiet|spider|location|no-verbose|output-document=(?:-|/dev/null))"
    r"|--(?:tries|timeout|max-time|connect-timeout|retry)=\d+|>/dev/null|2>&1|-(?:o|O|T|t|m)|/dev/null|-|\d+|-nv"
)
_URL = re.compile(r"https?://[\w.$\{\}:\[\]-]+(?:/[\w./?=&%~${}:-]*)?")


def needs_program(instruction: Instruction) -> str | None:
    """`curl` or `wget` where the probe calls it, else None."""
    text = " ".join(instruction.json or (instruction.arguments,))
    match = re.search(r"(?<![\w-])(curl|wget)(?![\w-])", text)
    return match[1] if match else None


def with_node(instruction: Instruction) -> str | None:
    """The arguments of the same probe with Node's fetch, from `CMD` on; None where it is no plain HTTP probe."""
    asked = _asked(instruction)
    if asked is None:
        return None
    url, fails_on_status = asked
    ok = "r.ok" if fails_on_status else "true"
    return _command(("node", "-e"), f"fetch('{url}').then(r=>process.exit({ok}?0:1),()=>process.exit(1))", url)


def with_python(instruction: Instruction) -> str | None:
    """The arguments of the same probe with Python alone, which takes a status of 400 or more for a failure."""
    asked = _asked(instruction)
    if asked is None or not asked[1]:
        return None
    return _command(("python", "-c"), f"import urllib.request as r; r.urlopen('{asked[0]}')", asked[0])


def _command(program: tuple[str, str], script: str, url: str) -> str:
    if "$" in url:
        return f'CMD {" ".join(program)} "{script}"'  # the shell expands the variable, as it did before
    return f"CMD {json.dumps([*program, script])}"


def _asked(instruction: Instruction) -> tuple[str, bool] | None:
    """The address that a plain HTTP probe asks for, and whether its status decides; None for any other probe."""
    words = _words(instruction)
    if words is None or words[0] not in ("curl", "wget"):
        return None
    urls = [word for word in words[1:] if _URL.fullmatch(word)]
    others = [word for word in words[1:] if not _URL.fullmatch(word)]
    if len(urls) != 1 or not all(_QUIET.fullmatch(word) for word in others):
        return None
    fails_on_status = words[0] == "wget" or any(word == "--fail" or re.match(r"-\w*f", word) for word in others)
    return re.sub(r"//localhost(?=[:/]|$)", "//127.0.0.1", urls[0]), fails_on_status


def _words(instruction: Instruction) -> list[str] | None:
    keyword, _, rest = instruction.arguments.partition(" ")
    if keyword.upper() != "CMD":
        return None
    rest = rest.strip()
    if rest.startswith("["):
        try:
            words = json.loads(rest)
        except ValueError:
            return None
        if words[:2] in (["sh", "-c"], ["/bin/sh", "-c"]) and len(words) == 3:
            rest = words[2]
        else:
            return words or None
    rest = re.sub(rf"{_FAILS}\s*$", "", rest)
    if re.search(r"[|;&`<()\\]", re.sub(r"2>&1|[?&][\w=]+", "", rest)):
        return None
    return rest.replace('"', "").replace("'", "").split() or None
