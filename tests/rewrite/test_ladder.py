"""The candidates of a project: which there are, in which order, and why one is not offered."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from rewrite.node_shapes import FAT, SHAPES, TYPESCRIPT, evidence, package, write

from imageopt.rewrite.ladder import Candidate, ladder
from imageopt.rewrite.model import FileChange, Refused, Rewrite
from imageopt.rewrite.propose import propose
from imageopt.rewrite.worth import final_image

NOTHING = Rewrite("refused", (), (), (Refused("junk-copied", "line 3: by hand"),), None, "unknown", ())
DOCKERFILE = 'FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\nCMD ["node", "dist/server.js"]\n'
SOURCES = {"src/server.ts": "require('http').createServer().listen(3000);\n", "tsconfig.json": "{}"}
SHOP = {**package(**TYPESCRIPT), **SOURCES, "Dockerfile": DOCKERFILE}
GLIBC = {"sodium-native": {"hasInstallScript": True}}


def rungs(root: Path, files: dict[str, str], *, mended: Rewrite = NOTHING, target: str = "auto") -> list[Candidate]:
    found = evidence(write(root, files))
    return list(ladder(found, FAT, mended, propose(found, FAT, target=target), target=target))


def text(candidate: Candidate) -> str:
    assert candidate.rewrite is not None
    return candidate.rewrite.changes[0].after.decode()


def test_from_the_least_change_to_the_greatest(tmp_path: Path) -> None:
    found = rungs(tmp_path, SHOP)
    assert [candidate.name for candidate in found] == [
        "surgical",
        "multi-stage",
        "slim",
        "alpine",
        "no-package-managers",
        "framework-output",
        "framework-output-alone",
        "traced-files",
    ]
    assert found[0].reason == "line 3: by hand"
    bases = [text(candidate).split("FROM ")[-1].split()[0] for candidate in found[1:4]]
    assert bases == ["node:20", "node:20-slim", "node:20-alpine"]
    assert found[4].reason == "the Node image is not at hand, so what lies below it is not known"
    assert (found[5].rewrite, found[5].reason[:12]) == (None, "no framework")
    assert found[6].reason == found[5].reason
    assert found[7].reason.startswith("the project has no tracer")


@pytest.mark.parametrize(
    ("target", "refused"),
    [("keep", {"slim", "alpine"}), ("slim", {"alpine"}), ("alpine", set()), ("auto", set())],
)
def test_the_wished_base_image_is_the_last_one_tried(tmp_path: Path, target: str, refused: set[str]) -> None:
    found = rungs(tmp_path, SHOP, target=target)
    assert {candidate.name for candidate in found if candidate.reason == f"--base {target} was asked for"} == refused


def test_alpine_is_a_candidate_only_where_it_is_proven_safe(tmp_path: Path) -> None:
    files = {**SHOP, **package(**TYPESCRIPT, prod={"sodium-native": "3.4.1"}, locked=GLIBC)}
    alpine = next(candidate for candidate in rungs(tmp_path, files) if candidate.name == "alpine")
    assert alpine.rewrite is None
    assert alpine.reason.startswith("sodium-native: ")


def test_what_is_the_same_as_another_is_offered_once(tmp_path: Path) -> None:
    found = rungs(tmp_path, {**SHOP, "Dockerfile": DOCKERFILE.replace("node:20", "node:20-slim")})
    slim = next(candidate for candidate in found if candidate.name == "slim")
    assert slim.reason == "it is the same as multi-stage"


def test_stages_of_the_authors_own_are_kept(tmp_path: Path) -> None:
    stages = DOCKERFILE.replace("node:20", "node:20 AS build") + (
        'FROM node:20\nWORKDIR /app\nCOPY --from=build /app ./\nCMD ["node", "dist/server.js"]\n'
    )
    surgical, multi_stage, *_ = rungs(tmp_path, {**SHOP, "Dockerfile": stages})
    assert text(surgical).count("FROM") == 2
    assert multi_stage.reason == "the Dockerfile has stages of its own, and they are kept"


def test_what_cannot_be_taken_apart_is_mended_with_the_reason(tmp_path: Path) -> None:
    surgical, multi_stage, *_ = rungs(tmp_path, {**SHOP, "Dockerfile": DOCKERFILE + "COPY --from=other:1 /a /b\n"})
    assert "COPY --from=other:1 /a /b" in text(surgical)
    assert "it copies from another image" in multi_stage.reason


def test_a_project_that_cannot_be_rewritten_may_still_be_mended(tmp_path: Path) -> None:
    files = {name: body for name, body in SHOP.items() if name != "package-lock.json"}
    mended = replace(NOTHING, outcome="proposed", changes=(FileChange("Dockerfile", b"a", b"b"),))
    first, *others = rungs(tmp_path, files, mended=mended)
    assert first.rewrite == mended
    assert {candidate.rewrite for candidate in others} == {None}
    assert {"no lock file" in candidate.reason for candidate in others} == {True}


def test_package_managers_are_taken_out_of_the_smallest_that_is_offered(tmp_path: Path) -> None:
    files = {**SHOP, **package(**TYPESCRIPT, prod={"sodium-native": "3.4.1"}, locked=GLIBC)}
    shop = evidence(write(tmp_path, files))
    bases: list[str] = []

    def strip(rewrite: Rewrite) -> Rewrite | str:
        bases.append(str(final_image(rewrite)))
        return replace(rewrite, predicted_bytes=9)

    found = {one.name: one for one in ladder(shop, FAT, NOTHING, propose(shop, FAT), strip=strip)}
    assert bases == ["node:20-slim"]
    stripped = found["no-package-managers"].rewrite
    assert stripped is not None
    assert stripped.predicted_bytes == 9


def test_what_the_framework_leaves_is_not_traced_again(tmp_path: Path) -> None:
    site = evidence(write(tmp_path, SHAPES["static-site"]))
    found = {one.name: one for one in ladder(site, FAT, NOTHING, propose(site, FAT))}
    assert found["framework-output"].rewrite is not None
    assert found["traced-files"].reason == "the framework's build leaves no more than is loaded"


def test_a_tracer_of_the_project_is_used(tmp_path: Path) -> None:
    tracer = {**TYPESCRIPT, "dev": {**TYPESCRIPT["dev"], "@vercel/nft": "1.3.0"}, "prod": {"express": "4.19.2"}}
    shop = evidence(write(tmp_path, {**SHAPES["typescript-express"], **package(**tracer)}))
    found = ladder(shop, FAT, NOTHING, propose(shop, FAT))[-1]
    assert "/traced/node_modules ./node_modules" in text(found)


def test_what_only_the_caller_knows_is_added_to_what_is_offered(tmp_path: Path) -> None:
    shop = evidence(write(tmp_path, SHOP))
    found = ladder(shop, FAT, NOTHING, propose(shop, FAT), complete=lambda rewrite: replace(rewrite, predicted_bytes=7))
    assert [candidate.rewrite.predicted_bytes for candidate in found if candidate.rewrite] == [7, 7, 7]
