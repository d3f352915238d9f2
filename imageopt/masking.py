"""Any text -> the same text with `***` for the values of secrets: tokens, passwords, headers, credentials in addresses.

Found by the name before a value, by the option or header it is given to, or by a shape of its own. A reference to a
variable (`$TOKEN`) is no secret and stays. What a secret looks like is a guess: rather one too many.
"""

import re
from collections.abc import Iterable, Iterator
from operator import is_
from typing import Any

from imageopt.lazy_pattern import lazy_pattern

_NAME = (
    r"(?:token|secret|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|private[_-]?key|signing[_-]?key|encryption[_-]?key"
    r"|credential|_auth|authorization)"
)
_NO_REFERENCE = (  # a variable, or what reads the file of a build's secret
    r"""(?!["']?(?:\$\{?\w+\}?|\$\(cat /run/secrets/[\w.-]+\))["']?(?:[\s"',;)@]|$))"""
)
_VALUE = _NO_REFERENCE + r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|(?:\\.|[^\s"'\\])+)"""
_PLAIN = r"""(?!\$\{?\w+\}?["'\s])[^\s"']+"""  # inside of quotes that opened before
_NAMED = (
    # NAME=value and --name=value
    (rf"({_NAME}[\w-]{{0,60}}=){_VALUE}", r"\1***"),
    # the old form: ENV NAME value
    (rf"(\b(?:ENV|LABEL)[ \t]+\w*{_NAME}\w*[ \t]+){_NO_REFERENCE}(?!\S*=)\S[^\n]*", r"\1***"),
    # npm config set //registry/:_authToken value
    (rf"(:_(?:authToken|auth|password)[ \t]+){_VALUE}", r"\1***"),
    # --token value; a build's --secret id=… names a file, and --password-stdin takes no value
    (rf"((?:^|\s)--?[\w-]*{_NAME}(?!-stdin)[\w-]*[ \t]+)(?!-|id=){_VALUE}", r"\1***"),
    # Authorization: Bearer value, X-Api-Key: value
    (
        rf"(\b(?:proxy-)?authorization:[ \t]*(?:(?:bearer|basic|token|digest)[ \t]+)?)(?!(?:bearer|basic)\b){_PLAIN}",
        r"\1***",
    ),
    (rf"(-(?:token|key|secret|password):[ \t]+){_PLAIN}", r"\1***"),
    (r"(\bbearer[ \t]+)[\w.~+/-]{8,}=*", r"\1***"),
    # {"auth": "value"}, in quotes once more or not
    (rf"""(["'][\w-]*(?:{_NAME}|auth)[\w-]*["']\s*:\s*)(?:"(?:\\.|[^"\\])*"|'[^']*')""", r'\1"***"'),
    (rf"""(\\"[\w-]*(?:{_NAME}|auth)[\w-]*\\"\s*:\s*)\\"[^"\\]*\\\"""", r'\1\\"***\\"'),
)
_IN_ADDRESSES = (
    # user:value@host without a scheme; not npm:name@1.2
    (
        r"(?<![\w.%+/-])([\w.%+-]{1,64}:)(?!\$)[^\s/@:\"']{1,200}(@(?:localhost\b|[a-zA-Z][\w-]*(?:\.[\w-]+){1,9}))",
        r"\1***\2",
    ),
    # scheme://user:value@host, scheme://value@host
    (r"(\w://[^\s/@:\"']{0,200}:)(?!\$\{?\w+\}?@)[^\s/@]{1,500}@", r"\1***@"),
    (r"(\w://)(?!git@|\$\{?\w+\}?@)[^\s/@:\"']{1,500}@", r"\1***@"),
)
_OF_PROGRAMS = (
    # curl -u user:value, docker login -p value, echo value | docker login --password-stdin
    (r"((?:^|\s)(?:-u|--user)(?:[ \t]+|=)[\"']?[^\s:\"']+:)(?!\$)[^\s\"']+", r"\1***"),
    (r"(\blogin\b[^\n;&|]{0,200}?\s-p[ \t=]*)(?!\$)[^\s\"']+", r"\1***"),
    (r"(\becho[ \t]+(?:-n[ \t]+)?)(?![\"']?\$)[^\n|;&]{1,500}?([ \t]*\|[^\n|;&]{0,200}--password-stdin)", r"\1***\2"),
)
_SHAPED = (
    (
        r"\b(?:gh[pousr]_\w{10,}|github_pat_\w{10,}|glpat-[\w-]{10,}|npm_[A-Za-z0-9]{20,}|(?:AKIA|ASIA)[0-9A-Z]{16})",
        "***",
    ),
    (r"\b(?:xox[abeoprs]-[\w-]{10,}|[rs]k_(?:live|test)_\w{10,}|AIza[\w-]{30,}|eyJ[\w-]{10,}\.eyJ[\w.-]{10,})", "***"),
)


def _compiled(patterns: Iterable[tuple[str, str]], flags: int = 0) -> Iterator[tuple[re.Pattern[str], str]]:
    return ((lazy_pattern(pattern, flags), into) for pattern, into in patterns)


_BEGINNINGS = ("github_pat_", "glpat-", "npm_", "akia", "asia", "xox", "k_live", "k_test", "aiza", "eyj")
_KEYS = (
    f"{kind}{sign}key" for kind in ("api", "access", "private", "signing", "encryption") for sign in ("", "_", "-")
)
# What a text, in small letters, has in it where one of the patterns may fit, and one of which signs beside: few texts
# have both, for most of a document's are paths and names, and no more is compiled than is used.
_KINDS = (
    (
        ("token", "secret", "passw", "passphrase", "credential", "auth", "bearer", "-key:", *_KEYS),
        "=: \t\"'",
        tuple(_compiled(_NAMED, re.IGNORECASE)),
    ),
    (("@",), ":", tuple(_compiled(_IN_ADDRESSES))),
    (
        ("-u ", "-u\t", "-u=", "--user", "login", "--password-stdin"),
        (" ", "\t", "=", "-p"),
        tuple(_compiled(_OF_PROGRAMS)),
    ),
    ((*(f"gh{kind}_" for kind in "pousr"), *_BEGINNINGS), "", tuple(_compiled(_SHAPED))),
)
_CONTAINERS = (dict, list, tuple)


def masked(text: str) -> str:
    """The text with `***` in the place of what looks like the value of a secret."""
    small = text.casefold()
    for hints, signs, patterns in _KINDS:
        for hint in hints:  # twice as fast as any(), and it is done to every text
            if hint in small:
                if not signs or any(sign in small for sign in signs):
                    for pattern, into in patterns:
                        text = pattern.sub(into, text)
                break
    return text


def names_a_secret(name: str) -> bool:
    """Whether what is called so is likely to be a secret."""
    return re.search(_NAME, name, re.IGNORECASE) is not None


def sealed(value: Any) -> Any:
    """A JSON document with each of its texts masked; keys stay."""
    return _sealed([value], _Masks())[0]


class _Masks(dict[str, str | None]):
    """Texts and what masks them, None where nothing needs to; each is asked once: a document says the same often."""

    def __missing__(self, text: str) -> str | None:
        mask = masked(text)
        self[text] = None if mask == text else mask
        return self[text]


def _sealed(value: Any, masks: _Masks) -> Any:
    """A dictionary or a list, itself where nothing in it needs a mask; small things in it take no call of their own."""
    inside = value.values() if isinstance(value, dict) else value
    items = [
        (item if (mask := masks[item]) is None else mask)
        if isinstance(item, str)
        else _sealed(item, masks)
        if item and isinstance(item, _CONTAINERS)
        else item
        for item in inside
    ]
    if all(map(is_, items, inside)):
        return value
    return dict(zip(value, items, strict=True)) if isinstance(value, dict) else items
