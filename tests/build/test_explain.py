"""The last lines of real failed builds, and what each is a case of."""

import pytest

from imageopt.build.explain import explain

ENDED = 'process "/bin/sh -c x" did not complete successfully: exit code: 1'
CASES = [
    ("E: The repository 'http://deb.debian.org/debian stretch Release' does not have a Release file.", "end of life"),
    ("Err:3 http://deb.debian.org/debian stretch/main 404  Not Found [IP: 1.2.3.4 80] dists/", "end of life"),
    ("npm ERR! `npm ci` can only install packages when your package.json and package-lock.json are in sync.", "package-lock.json"),
    ("npm error The `npm ci` command can only install with an existing package-lock.json or", "package-lock.json"),
    ("error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`.", "yarn.lock"),
    ("➤ YN0028: │ The lockfile would have been modified by this install, which is explicitly forbidden.", "yarn.lock"),
    ("ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with \"frozen-lockfile\"", "pnpm-lock.yaml"),
    ("Your lock file does not contain a compatible set of packages. Please run composer update.", "composer.lock"),
    ('ERROR: failed to calculate checksum of ref a::b: "/dist": not found', "not in the build context"),
    ("Error: building at STEP \"COPY gone /x\": checking on sources: no such file or directory", "not in the build context"),
    ("pull access denied for nodee, repository does not exist or may require 'docker login'", "base image cannot be had"),
    ("failed to resolve source metadata for docker.io/docker/dockerfile:1: no such host", "the line `# syntax=`"),
    ("failed to resolve source metadata for docker.io/library/a: dial tcp: lookup r on 1.2.3.4: no such host", "no network"),
    ("WARNING: fetching https://dl-cdn.alpinelinux.org/x: DNS: name does not exist\nERROR: unable to select packages:", "no network"),
    ("WARNING: updating https://dl-cdn.alpinelinux.org/x: temporary error (try again later)\nunable to select packages", "no network"),
    ("curl: (6) Could not resolve host: example.org", "no network"),
    ("npm error code E401", "refuses a package"),
    ("gyp ERR! find Python You need to install the latest version of Python.", "no Python"),
    ("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", "out of memory"),
    ("opensslErrorStack: code: 'ERR_OSSL_EVP_UNSUPPORTED'", "update webpack"),
    ('error vite@5.0.0: The engine "node" is incompatible with this module.', "another version of Node"),
    ("ERROR: unable to select packages:", "not in this distribution"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "words"), CASES)
def test_what_a_failure_is_a_case_of(line: str, words: str) -> None:
    assert words in explain(ENDED, ("#7 1.0 before", line, "------"))


@pytest.mark.parametrize(("code", "words"), [(127, "not in the image"), (137, "out of memory")])
def test_the_exit_code_alone_may_tell(code: int, words: str) -> None:
    assert words in explain(ENDED.replace("1", str(code)), ())


def test_what_is_not_known_is_not_explained() -> None:
    assert explain(ENDED, ("expected 3 to be 4",)) == ""


def test_what_came_long_before_the_end_is_not_the_cause() -> None:
    assert explain(ENDED, ("npm error code E401", *["line"] * 30)) == ""
