"""What a finding holds: exact bytes, layers, the line, the few paths that say most; and all of them together."""

from datetime import date

from evidence.small_images import image, record

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence
from imageopt.rules.check import check
from imageopt.rules.load import load_rules
from imageopt.rules.model import EvidencePath, Finding
from imageopt.rules.summary import summarise

DOCKERFILE = b"""\
FROM node:22
WORKDIR /app
COPY . .
RUN npm ci
RUN chown -R \\
    node /app
USER node
CMD ["node", "main.js"]
"""
HISTORY = (
    "base",
    "WORKDIR /app",
    "COPY . . # buildkit",
    "RUN /bin/sh -c npm ci # buildkit",
    "RUN /bin/sh -c chown -R     node /app # buildkit",
)
FILES = (
    record("usr/share/doc/gcc/changelog.gz", 7_000, 0),
    record("app/.git/objects/pack/a", 50_000, 2, "overwritten_same", 4),
    record("app/.git/objects/pack/a", 50_000, 4),
    record("root/.npm/_cacache/content-v2/sha512/a", 400, 3),
    record("root/.npm/_cacache/content-v2/sha512/b", 600, 3),
)


def test_the_biggest_saving_comes_first() -> None:
    sizes = [finding.saving.bytes or 0 for finding in findings(evidence())]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 50_000


def test_a_copied_up_file_is_two_findings_at_two_lines() -> None:
    found = findings(evidence())
    chown, junk = named(found, "copied-up-by-chown-chmod"), named(found, "junk-copied")
    assert (chown.files, chown.layers, chown.saving.basis) == ((1,), (2, 4), "exact")
    assert chown.location is not None
    assert (chown.location.line, chown.location.end_line) == (5, 6)
    assert (junk.files, junk.layers) == ((2,), (2, 4))
    assert junk.location is not None
    assert junk.location.line == 3


def test_a_slimmer_base_image_would_keep_the_system_and_the_product() -> None:
    files = (
        record("usr/bin/bash", 1_000, 0),
        record("usr/share/man/man1/bash.1.gz", 20, 0),
        record("usr/bin/gcc", 7_000, 1),
        record("var/lib/dpkg/status", 300, 1, "overwritten_changed", 2),
        record("usr/local/bin/node", 9_000, 2),
        record("app/main.js", 5, 3),
    )
    owners = {"usr/bin/bash": "bash", "usr/share/man/man1/bash.1.gz": "bash", "usr/bin/gcc": "gcc"}
    history = ("base", "RUN apt-get install gcc", "ADD node", "COPY main.js . # buildkit")
    built = image(history, files, owners=owners, user="node")
    text = parse(b"FROM node:22\nCOPY main.js .\nUSER node\nCMD node main.js\n")
    found = named(findings(join(built, text, None)), "fat-base-image")
    assert (found.saving.bytes, found.saving.basis) == (7_020, "estimate")
    assert found.files == (0, 1, 2, 3, 4)  # all of which another base image takes the place of
    joined = join(built, text, None)
    assert summarise(joined, [found, found]).estimated_saving_bytes == 7_020
    assert found.location is not None
    assert found.location.line == 1
    unknown = named(findings(join(image(history, files, user="node"), text, None)), "fat-base-image")
    assert unknown.saving.bytes == 20


def test_the_paths_are_summed_up_by_folder() -> None:
    cache = named(findings(evidence()), "npm-yarn-pnpm-cache-left")
    assert cache.evidence == (EvidencePath("/root/.npm/_cacache/content-v2", 1000),)
    assert "1.00 kB" in cache.message


def test_a_folder_of_the_application_is_named_only_if_all_of_it_is_meant() -> None:
    paths = {"app/logs/a/1.log": 5, "app/logs/b/2.log": 4, "app/db/dumps/x.log": 3, "app/db/schema.txt": 9}
    built = image(HISTORY, [record(path, size, 2) for path, size in paths.items()])
    found = named(findings(join(built, parse(DOCKERFILE), None)), "generated-data-copied")
    assert found.evidence == (EvidencePath("/app/logs", 9), EvidencePath("/app/db/dumps", 3))


def test_the_summary_counts_each_byte_once() -> None:
    found = findings(evidence())
    summary = summarise(evidence(), [*found, *found])
    assert summary.saving_bytes == 50_000 + 50_000 + 1_000
    assert summary.estimated_saving_bytes == 7_000
    assert sum(summary.findings.values()) == 2 * sum(finding.explained_by is None for finding in found)
    assert 0 not in summary.findings.values()


def test_an_image_alone_has_bytes_and_no_lines() -> None:
    built = image([HISTORY[0], 'empty:CMD ["node"]', *HISTORY[1:]], FILES)
    found = findings(join(built, None, None))
    cache = named(found, "npm-yarn-pnpm-cache-left")
    assert (cache.location, cache.layers, cache.saving.bytes, cache.confidence) == (None, (3,), 1000, "low")


def test_a_dockerfile_alone_has_lines_and_no_bytes() -> None:
    found = findings(join(None, parse(DOCKERFILE), None))
    cache = named(found, "npm-yarn-pnpm-cache-left")
    assert cache.location is not None
    assert (cache.location.line, cache.saving.bytes, cache.saving.basis, cache.files) == (4, None, "unknown", ())
    assert summarise(join(None, parse(DOCKERFILE), None), found).saving_bytes == 0


def test_nothing_at_all_is_nothing_to_say() -> None:
    assert findings(join(None, None, None)) == ()


def test_the_user_of_the_image_counts_more_than_the_text() -> None:
    built = image(HISTORY, FILES, user="")
    assert "runs-as-root" in {f.rule for f in findings(join(built, parse(DOCKERFILE), None))}
    built = image(HISTORY, FILES, user="node")
    assert "runs-as-root" not in {f.rule for f in findings(join(built, parse(DOCKERFILE), None))}


def test_the_same_evidence_gives_the_same_findings() -> None:
    assert findings(evidence()) == findings(evidence())


def evidence() -> Evidence:
    return join(image(HISTORY, FILES, user="node"), parse(DOCKERFILE), None)


def findings(found: Evidence) -> tuple[Finding, ...]:
    return check(found, load_rules(), now=date(2026, 3, 1))


def named(found: tuple[Finding, ...], rule: str) -> Finding:
    return next(finding for finding in found if finding.rule == rule)
