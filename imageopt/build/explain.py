"""The last words of a failed build -> what that is a case of, and what helps; empty for what is not known.

What is looked for are the phrases of the tools themselves, the most telling first. Only the end of a log is read: what
a build complained of and survived is further up.
"""

import re
from collections.abc import Sequence

_LOOKED_AT = 30  # lines
_CASES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "the base image's distribution is past its end of life and left the package servers: take a newer base image",
        (r"does not have a Release file", r"404\s+Not Found.{0,80}(?:dists/|Release|deb\.debian|archive\.ubuntu)"),
    ),
    (
        "package.json and the lock file differ, or there is none: run `npm install` and commit package-lock.json",
        (r"can only install (?:packages )?(?:with an existing|when your) package", r"npm (?:ERR!|error) code EUSAGE"),
    ),
    (
        "package.json and yarn.lock differ: run `yarn install` and commit yarn.lock",
        (r"lockfile (?:needs to be|would have been) (?:updated|modified)", r"YN0028"),
    ),
    (
        "package.json and pnpm-lock.yaml differ: run `pnpm install` and commit pnpm-lock.yaml",
        (r"ERR_PNPM_(?:OUTDATED_LOCKFILE|NO_LOCKFILE|LOCKFILE_CONFIG_MISMATCH|LOCKFILE_BREAKING_CHANGE)",),
    ),
    (
        "composer.json and composer.lock differ: run `composer update --lock` and commit composer.lock",
        (r"lock file is not up to date", r"lock file does not contain a compatible set"),
    ),
    (
        "a file to copy is not in the build context: it is missing, or an ignore file leaves it out",
        (
            r"failed to (?:calculate checksum|compute cache key)",
            r"(?:COPY|ADD)\b.{0,300}no such file or directory",
            r"no items matching glob",
        ),
    ),
    (
        "the image that the line `# syntax=` names cannot be had: copy it to a registry in reach, or drop the line",
        (r"failed to resolve source metadata for \S*docker/dockerfile\b",),
    ),
    (
        "the build has no network, or a name server does not answer",
        (
            r"could not resolve host",
            r"temporary failure (?:in name resolution|resolving)",
            r"EAI_AGAIN|ENOTFOUND|ETIMEDOUT",
            r"DNS: (?:name does not exist|lookup error)|temporary error \(try again later\)",
            r"dial tcp\b.{0,200}(?:no such host|i/o timeout|network is unreachable)",
        ),
    ),
    (
        "the base image cannot be had: its name is wrong, it was removed, or the registry wants a login",
        (
            r"pull access denied",
            r"manifest unknown",
            r"failed to resolve source metadata",
            r"manifest for \S+ not found",
        ),
    ),
    (
        "a registry refuses a package: a login or a secret is missing, or the package was removed",
        (r"\bE40[134]\b", r"40[13] (?:Unauthorized|Forbidden)"),
    ),
    (
        "a native package is compiled, and the image has no Python, make or C++ compiler",
        (r"gyp ERR!",),
    ),
    ("the step ran out of memory", (r"exit code:? 137", r"heap out of memory", r"signal: killed")),
    (
        "this webpack needs an older OpenSSL than that of Node 17 and later: update webpack",
        (r"ERR_OSSL_EVP_UNSUPPORTED",),
    ),
    ("a package wants another version of Node", (r"EBADENGINE", r"The engine \"node\" is incompatible")),
    (
        "a system package of that name or version is not in this distribution",
        (r"unable to select packages", r"unable to locate package", r"has no installation candidate"),
    ),
    ("a program that the step calls is not in the image", (r"exit code:? 127", r"exit status 127")),
)


def explain(reason: str, tail: Sequence[str]) -> str:
    """What the failure is a case of; the first that is found in the last lines or in the reason."""
    text = "\n".join((*tail[-_LOOKED_AT:], reason))
    for words, patterns in _CASES:
        if any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns):
            return words
    return ""
