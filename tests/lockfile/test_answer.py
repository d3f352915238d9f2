"""What package managers really say, and what it means for the lock file."""

import pytest

from imageopt.lockfile.answer import answer

NPM = """\
npm error code EUSAGE
npm error
npm error `npm ci` can only install packages when your package.json and package-lock.json are in sync.
npm error
npm error Missing: leftpad@0.0.1 from lock file
npm error Missing: @types/node@20.1.0 from lock file
npm error Invalid: lock file's ms@2.1.3 does not satisfy ms@1.0.0
npm error A complete log of this run can be found in: /imageopt/home/.npm/_logs/x.log"""
PNPM = """\
 ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with "frozen-lockfile" because pnpm-lock.yaml is not up to date with package.json
    Failure reason:"""
YARN_1 = """\
[1/4] Resolving packages...
error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`."""
BERRY = """\
➤ YN0000: · Yarn 4.5.0
➤ YN0085: │ + ms@npm:1.0.0
➤ YN0028: │ -"ms@npm:^2.1.0":
➤ YN0028: │ The lockfile would have been modified by this install, which is explicitly forbidden.
➤ YN0000: · Failed with errors in 0s 171ms"""


@pytest.mark.parametrize(
    ("log", "kind", "names", "reason"),
    [
        (NPM, "drift", ("@types/node", "leftpad", "ms"), "`npm ci` can only install packages when"),
        (NPM.replace("npm error", "npm ERR!"), "drift", ("@types/node", "leftpad", "ms"), "`npm ci` can only"),
        (PNPM, "drift", (), "ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with"),
        (YARN_1, "drift", (), "Your lockfile needs to be updated"),
        (BERRY, "drift", (), "The lockfile would have been modified"),
        (
            "npm error code ENOTFOUND\nnpm error request to https://npm.corp/ms failed, reason: getaddrinfo ENOTFOUND",
            "network",
            (),
            "request to https://npm.corp/ms failed",
        ),
        ("npm error code E401\nnpm error Unable to authenticate, need: Basic", "login", (), "Unable to authenticate"),
        (
            "npm error code ETARGET\nnpm error notarget No matching version found for ms@99.",
            "other",
            (),
            "notarget No matching version found for ms@99.",
        ),
        ("npm error code E404\nnpm error 404 Not Found - GET https://x/y", "other", (), "404 Not Found"),
        ("/bin/sh: 1: npm: not found", "other", (), "/bin/sh: 1: npm: not found"),
        ("npm warn deprecated x@1: use y\nnpm error code X", "other", (), "X"),
        ("", "other", (), "it said nothing"),
    ],
)
def test_what_was_said(log: str, kind: str, names: tuple[str, ...], reason: str) -> None:
    found = answer(log.split("\n") if log else ())
    assert (found.kind, found.names) == (kind, names)
    assert found.reason.startswith(reason)


def test_a_reason_is_short() -> None:
    assert len(answer(["npm error " + "long " * 500]).reason) == 200
