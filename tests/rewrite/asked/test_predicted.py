"""What is predicted to be saved is what the image holds; where it holds nothing of the kind, nothing is offered."""

from pathlib import Path

import pytest
from evidence.small_images import image, record
from msgspec.structs import replace
from rewrite.asking import DIGEST, NOTHING, asked
from rewrite.node_shapes import evidence, package, write

from imageopt.evidence.model import FileClass
from imageopt.rewrite.asked.made import on_request, with_asked
from imageopt.rewrite.model import Rewrite

BUILD = "FROM node:22 AS build\nWORKDIR /app\nRUN npm ci && npx prisma generate\n"
FINAL = "FROM node:22-slim\nRUN apt-get install -y chromium\nENV PUPPETEER_EXECUTABLE_PATH=/usr/bin/chromium\n"
TEXT = f'{BUILD}{FINAL}COPY --from=build /app/node_modules /app/node_modules\nCMD ["node", "a.js"]\n'
FILES = {**package(prod={"puppeteer": "24.0.0", "@prisma/client": "6.0.0"}, scripts={"start": "node a.js"}), "a.js": ""}
PRODUCTION, DEVELOPMENT = (FileClass(name, None, 0) for name in ("production-dependencies", "dev-dependencies"))
HELD = (
    (record("app/node_modules/a/a.js.map", 100, 0), PRODUCTION),
    (record("app/node_modules/a/test/a.js", 10, 0), PRODUCTION),
    (record("app/node_modules/a/test/LICENSE", 3, 0), PRODUCTION),
    (record("app/node_modules/a/lib/test/a.js", 5, 0), PRODUCTION),
    (record("app/node_modules/typescript/lib/lib.d.ts", 7, 0), PRODUCTION),
    (record("app/node_modules/dev/a.map", 1000, 0), DEVELOPMENT),
    (record("app/node_modules/gone/a.map", 2000, 0, "deleted", 1), PRODUCTION),
    (record("app/node_modules/prisma/build/index.js", 40, 0), DEVELOPMENT),
    (record("root/.cache/puppeteer/chrome/chrome", 300, 0), PRODUCTION),
)


def made(root: Path, *names: str, held: tuple[tuple[object, FileClass], ...] = HELD) -> Rewrite:
    write(root, {**FILES, "Dockerfile": TEXT})
    known = replace(
        evidence(root),
        image=image(["a", "b"], [one for one, _ in held]),  # type: ignore[misc]
        classes=tuple(kind for _, kind in held),
    )
    rewrite = with_asked(NOTHING, known, names, lambda _: DIGEST)
    return replace(rewrite, on_request=on_request(rewrite, known, names, lambda _: DIGEST))


@pytest.mark.parametrize(
    ("name", "saved"), [("trimmed-packages", 110), ("prisma-engines", 40), ("system-browser", 300), ("pin-digests", 0)]
)
def test_it_is_counted_in_the_image(tmp_path: Path, name: str, saved: int) -> None:
    found = made(tmp_path, name)
    assert (found.predicted_bytes, found.transformed[-1].predicted_bytes) == (saved, saved)
    assert found.predicted_basis == ("estimate" if saved else "exact")


def test_what_is_asked_for_together_adds_up(tmp_path: Path) -> None:
    found = made(tmp_path, "pin-digests", "trimmed-packages", "system-browser")
    assert [done.name for done in found.transformed] == ["system-browser", "trimmed-packages", "pin-digests"]
    assert found.predicted_bytes == 410
    assert {one.name: one.predicted_bytes for one in found.on_request if not one.reason} == {"prisma-engines": 40}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("trimmed-packages", "the image holds nothing of the kind"),
        ("prisma-engines", "the image holds neither the command line nor the engines beside the client"),
    ],
)
def test_what_the_image_does_not_hold_is_not_offered(tmp_path: Path, name: str, reason: str) -> None:
    found = made(tmp_path, name, held=HELD[-1:])
    assert (found.outcome, found.refusals[-1].reason) == ("refused", reason)


def test_without_an_image_it_is_not_known(tmp_path: Path) -> None:
    found = asked(tmp_path, "trimmed-packages", TEXT, FILES)
    assert (found.predicted_bytes, found.predicted_basis) == (None, "unknown")
