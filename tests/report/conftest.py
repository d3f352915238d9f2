"""Two small results with everything in them that a report shows: an analysis and a verification.

Names and texts hold what strangers' files may hold: markup, control characters, bytes that are not UTF-8.
"""

import pytest
from msgspec.structs import replace

from imageopt.build.model import BuildFailed, Built
from imageopt.compare.difference import compare
from imageopt.compare.model import Compared
from imageopt.dockerfile import parse
from imageopt.evidence.composition import compose
from imageopt.evidence.model import BaseImage, CompositionRow, Evidence, FileClass, Origin
from imageopt.gate.model import GateCheck, GateResult
from imageopt.image.model import DiveNumbers, FileRecord, Image, ImageSizes, Layer, NpmPackage, Packages
from imageopt.rewrite.model import FileChange, FollowUp, Refused, Rewrite, Transformed
from imageopt.rules.model import Analysis, EvidencePath, Finding, Fix, Location, Saving, Summary, Target
from imageopt.source.model import ImageConfig
from imageopt.verify.model import (
    Change,
    Comparison,
    NotDone,
    Response,
    RunRecord,
    ScanRecord,
    Side,
    SizeChange,
    Verification,
    Vulnerability,
)

DOCKERFILE = b"FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\nRUN chown -R node /app && rm -r tests\n"
HOSTILE = "/app/a\x1b[31m[bold]<img src=x onerror=alert(1)>|`x`](http://evil)\udcff"
MB = 10**6


def layer(
    index: int, unpacked: int, live: int, created_by: str, *, hid: int = 0, files: int = 1, overhead: int = 2048
) -> Layer:
    return Layer(
        index, f"sha256:{index:064x}", None, created_by, None, unpacked, live, unpacked - live, overhead, hid, files
    )


def image() -> Image:
    """Base 100 MB of which 10 are dead; COPY 60 MB of which 40 are overwritten; npm 200 MB; chown 40 MB."""
    files = (
        FileRecord("usr/bin/node", 90 * MB, 0, "live", None, b"1", 0o755, 0, 0),
        FileRecord("usr/old", 10 * MB, 0, "deleted", 0, b"2", 0o644, 0, 0),
        FileRecord("app/data.bin", 40 * MB, 2, "overwritten_same", 4, b"3", 0o644, 0, 0),
        FileRecord("app/tests/fixture", 20 * MB, 2, "deleted", 4, b"4", 0o644, 0, 0),
        FileRecord("app/node_modules/typescript/lib/tsc.js", 200 * MB, 3, "live", None, b"5", 0o644, 0, 0),
        FileRecord("app/data.bin", 40 * MB, 4, "live", None, b"3", 0o644, 1000, 1000),
    )
    config = ImageConfig("linux", "amd64", "", "", (), (), ("node",), "/app", (), (), {}, None, (), (), None, (), ())
    return Image(
        source="docker",
        reference="shop:latest",
        digest="sha256:" + "a" * 64,
        config=config,
        sizes=ImageSizes(None, 400 * MB, 330 * MB, 70 * MB, 5 * 2048),
        waste={"deleted": 30 * MB, "overwritten_same": 40 * MB, "overwritten_changed": 0, "duplicate_entry": 0},
        layers=(
            layer(0, 100 * MB, 90 * MB, "/bin/sh -c #(nop) ADD file:abc in /", hid=10 * MB),
            layer(1, 0, 0, "WORKDIR /app", files=0, overhead=1024),
            layer(2, 60 * MB, 0, "COPY . . # buildkit"),
            layer(3, 200 * MB, 200 * MB, "|1 NPM_TOKEN=hunter22 /bin/sh -c npm install"),
            layer(4, 40 * MB, 40 * MB, "RUN /bin/sh -c chown -R node /app && rm -r tests # buildkit", hid=60 * MB),
        ),
        files=files,
        links={},
        contents={},
        packages=Packages((), (), {}),
        duplicate_content_bytes=0,
        file_count=3,
        dive=DiveNumbers(0.9, 40 * MB, None),
        problems=("layer 3: entry \x1b]0;x\x07 is unsafe",),
    )


def finding(rule: str, line: int | None, count: int | None, basis: str = "exact", **changes: object) -> Finding:
    made = Finding(
        rule=rule,
        code="IO100",
        severity="warning",
        confidence="high",
        title=f"What {rule} is about",
        message=f"A message of {rule}.",
        saving=Saving(count, basis),  # type: ignore[arg-type]
        location=None if line is None else Location("Dockerfile", line, 1, line),
        layers=(3,),
        evidence=(),
        files=(),
        fix=Fix("automatic", "multi-stage", "verify", f"mend {rule}"),
    )
    return replace(made, **changes)


FINDINGS = (
    finding("dev-deps-in-final", 4, 200 * MB, evidence=(EvidencePath(HOSTILE, 200 * MB),)),
    finding("fat-base-image", 1, 90 * MB, "estimate", layers=(0,)),
    finding("copied-up-by-chown-chmod", 5, 40 * MB, layers=(2, 4)),
    finding("env-file-or-key-copied", 3, 80, severity="error"),
    finding("tmp-and-home-caches-left", None, 100),
    finding("runs-as-root", 1, None, "unknown", layers=()),
)


def evidence() -> Evidence:
    dockerfile = parse(DOCKERFILE)
    origins = tuple(Origin(instruction, base=index == 0) for index, instruction in enumerate(dockerfile.instructions))
    composition = (
        CompositionRow("dev-dependencies", "dev-deps-in-final", 200 * MB, (3,)),
        CompositionRow("base-image", "fat-base-image", 100 * MB, (0,)),
        CompositionRow("overwritten", "copied-up-by-chown-chmod", 40 * MB, (2,)),
        CompositionRow("application", None, 40 * MB, (4,)),
        CompositionRow("deleted", "deleted-in-later-layer", 20 * MB, (2,)),
    )
    return Evidence(
        image=image(),
        dockerfile=dockerfile,
        dockerfile_path="Dockerfile",
        project=None,
        base=BaseImage(1, "history", "node:20"),
        origins=(*origins[:2], origins[2], None, origins[4]),
        classes=(),
        composition=composition,
    )


@pytest.fixture
def analysis() -> Analysis:
    summary = Summary({"error": 1, "warning": 5}, 240 * MB, 90 * MB)
    target = Target("project", "shop", "docker", "sha256:" + "a" * 64, "linux/amd64")
    return Analysis(target, evidence(), FINDINGS, summary, ("the image is older than the Dockerfile",), 1.2345)


@pytest.fixture
def analysis_without_image(analysis: Analysis) -> Analysis:
    bare = Evidence(None, parse(DOCKERFILE), "Dockerfile", None, BaseImage(None, "unknown", None), (), (), ())
    return replace(
        analysis,
        target=Target("dockerfile", "shop/Dockerfile", None, None, None),
        evidence=bare,
        findings=FINDINGS[-1:],
        summary=Summary({"warning": 1}, 0, 0),
        notes=("no image: sizes are unknown",),
    )


def rewrite_value() -> Rewrite:
    after = b"FROM node:20-slim\nWORKDIR /app\n# \x1b[31m<script>\nUSER node\n"
    return Rewrite(
        outcome="proposed",
        changes=(FileChange("Dockerfile", DOCKERFILE, after), FileChange(".dockerignore", None, b".git\n")),
        transformed=(
            Transformed("multi-stage", "verify", "the build needs a compiler", ("build-tools-in-final",), 200 * MB),
            Transformed("run-as-node", "verify", "the base has a user node", ("runs-as-root",), None),
        ),
        refusals=(Refused("base-swap", "sharp needs glibc"),),
        predicted_bytes=300 * MB,
        predicted_basis="estimate",
        notes=("the first build fetches node:20-slim",),
        follow_ups=(
            FollowUp(
                "compose.yaml",
                "its healthcheck calls curl",
                FileChange("compose.yaml", b"test: curl /\n", b"test: node -e 1 # \x1b[31m<b>\n"),
            ),
            FollowUp("deploy/<b>.yaml", "a probe calls curl"),
        ),
    )


@pytest.fixture
def rewrite() -> Rewrite:
    return rewrite_value()


def vulnerability(number: int, severity: str) -> Vulnerability:
    return Vulnerability(f"CVE-2024-{number}", f"lib{number}", "1.0", "1.1", severity, "npm")


def scan(*found: Vulnerability) -> ScanRecord:
    return ScanRecord("trivy", "0.58.0", "2026-11-01", found, (), (), ("DS002",), {"npm/express": "4.19.2"})


def run(user: str) -> RunRecord:
    answer = Response("GET", "/health", 200, "application/json", 17, "sha256:" + "b" * 64, ("time",))
    return RunRecord(True, "", 0.8, user, 3000, (answer,), ("/slow",), ("up",), (), ("/app/data/x",), 0.2, 143)


@pytest.fixture
def verification() -> Verification:
    after_image = replace(
        image(),
        sizes=ImageSizes(None, 90 * MB, 90 * MB, 0, 2048),
        layers=image().layers[:1],
        waste={},
        file_count=1,
        problems=(),
    )
    before = Side(
        DOCKERFILE.decode(),
        Built("sha256:" + "c" * 64, "x:before", 93.0, 5, 0, ()),
        Built("sha256:" + "d" * 64, "x:before2", 61.0, 5, 2, ()),
        evidence(),
        FINDINGS,
        run("0:0"),
        scan(vulnerability(1, "CRITICAL"), vulnerability(2, "HIGH"), vulnerability(3, "odd")),
    )
    after = Side(
        "FROM node:20-slim\n",
        Built("sha256:" + "e" * 64, "x:after", 42.0, 9, 0, ()),
        Built("sha256:" + "f" * 64, "x:after2", 3.5, 9, 7, ()),
        replace(evidence(), image=after_image, composition=(CompositionRow("base-image", None, 90 * MB, (0,)),)),
        (),
        run("1000:1000"),
        scan(vulnerability(2, "HIGH"), vulnerability(4, "LOW")),
    )
    comparison = Comparison(
        sizes={
            "download_bytes": SizeChange(None, None, None, None),
            "unpacked_bytes": SizeChange(400 * MB, 90 * MB, 310 * MB, 77.5),
            "live_bytes": SizeChange(330 * MB, 90 * MB, 240 * MB, 72.727272),
            "own_unpacked_bytes": SizeChange(300 * MB, 0, 300 * MB, 100.0),
        },
        cached_steps=(2, 7),
        fixed=(vulnerability(1, "CRITICAL"), vulnerability(3, "odd")),
        introduced=(vulnerability(4, "LOW"),),
        unchanged=(vulnerability(2, "HIGH"),),
        secrets_fixed=("npm-token /app/.npmrc",),
        secrets_introduced=(),
        licenses_removed=("GPL-2.0",),
        licenses_added=(),
        misconfigurations_fixed=("DS002",),
        misconfigurations_introduced=(),
        packages_removed=("npm typescript 5.3.3",),
        packages_added=(),
        packages_changed=("dpkg libc6 2.36 -> 2.37",),
        files_removed={"dev-dependencies": 200 * MB, "overwritten": 40 * MB},
        config=(Change("User", "", "node", True, "the rewrite asks for it"),),
        behaviour=(
            Change("GET /health", "200", "200", True, ""),
            Change("GET /<b>", "200", "500", False, ""),
        ),
        removed_bytes=240 * MB,
        explained_bytes=235 * MB,
    )
    return Verification(
        reference="shop",
        before=before,
        after=after,
        rewrite=rewrite_value(),
        comparison=comparison,
        predicted_bytes=300 * MB,
        measured_bytes=310 * MB,
        verdict="behaviour-changed",
        reasons=("GET /<b> answered 500 instead of 200",),
        not_checked=("WebSocket routes",),
    )


@pytest.fixture
def broken(verification: Verification) -> Verification:
    """Nothing came of it: the second version failed to build, the first did not start, nothing was scanned."""
    not_done = NotDone("there was no image")
    before = replace(
        verification.before,
        rebuild=not_done,
        run=RunRecord(False, "the port never opened", None, "", None, (), (), ("Error: \x1b[2J",), (), (), None, None),
        scan=NotDone("trivy is not installed"),
    )
    failed = BuildFailed("RUN npm ci", "npm error: no lock file", 12.0, ("npm error", "[red]x"))
    after = Side("FROM x\n", failed, not_done, None, (), not_done, not_done)
    empty = Comparison({}, (None, None), (), (), (), (), (), (), (), (), (), (), (), (), {}, (), ())
    return replace(
        verification,
        before=before,
        after=after,
        rewrite=None,
        comparison=empty,
        predicted_bytes=None,
        measured_bytes=None,
        verdict="broken",
        reasons=("the second version does not build",),
    )


@pytest.fixture
def gate() -> GateResult:
    return GateResult(
        "shop",
        False,
        (
            GateCheck("unpacked", 400 * MB, 400 * MB, "pass", ""),
            GateCheck("wasted", 5.0, 20.0, "fail", ""),
            GateCheck("download", 1, None, "unknown", "the source holds no compressed layers"),
        ),
    )


@pytest.fixture
def compared() -> Compared:
    """The image, and what came of it: another file and package in one layer, and another owner, user and variable."""
    before = image()
    files = (
        *before.files[:4],
        FileRecord("app/<b>\x1b[31m|`x`\udcff", 5 * MB, 3, "live", None, b"7", 0o644, 0, 0),
        before.files[5]._replace(uid=0, gid=0),
    )
    after = replace(
        before,
        files=files,
        sizes=ImageSizes(None, 205 * MB, 135 * MB, 70 * MB, 5 * 2048),
        layers=(*before.layers[:3], replace(before.layers[3], diff_id="sha256:other", unpacked_bytes=5 * MB), *before.layers[4:]),
        packages=Packages((NpmPackage("lodash", "4.17.21", "app/node_modules/lodash", 5 * MB, None),), (), {}),
        config=replace(before.config, user="node", env=("TOKEN=hunter22",)),
        file_count=3,
    )  # fmt: skip
    old, new = _classed(before), _classed(after)
    target = Target("image", "shop:1", "docker", None, "linux/amd64")
    return Compared(
        target,
        replace(target, reference="<b>shop:2\x1b[2J"),
        old,
        new,
        compare(old, new, limit=10),
        10,
        ("a note \x1b[2J",),
        0.5,
    )


def _classed(one: Image) -> Evidence:
    classes = tuple(FileClass("other" if file.birth else "base-image", None, file.birth) for file in one.files)
    return replace(evidence(), image=one, classes=classes, composition=compose(one, classes))
