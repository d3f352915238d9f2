"""Prisma's engine is made for the OpenSSL of the image that it is generated in: the one that runs must have the same.

`@prisma/get-platform` answers `debian-openssl-3.0.x` on node:20 and on node:20-slim with openssl, and guesses
`debian-openssl-1.1.x` on node:20-slim as it is.
"""

from pathlib import Path

import pytest
from rewrite.node_shapes import EXPRESS, FAT, evidence, package, write

from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.propose import propose

SCHEMA = 'datasource db {\n  provider = "postgresql"\n  url = env("DATABASE_URL")\n}\n'
APT = "RUN apt-get update && apt-get install -y openssl"
EMPTIED = " && rm -rf /var/lib/apt/lists/*"
ADDED = f"{APT.replace('-y ', '-y --no-install-recommends ')}{EMPTIED}"
BUILD = "WORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npx prisma generate\nRUN npm run build\n"
START = 'CMD ["node", "dist/server.js"]\n'
WHY = "its engine must match the OpenSSL of the image"


def proposed(root: Path, dockerfile: str, target: str = "auto", **more: str) -> Rewrite:
    prod = {"express": "4.19.2", "@prisma/client": "6.5.0", **more}
    service = package(
        prod=prod,
        dev={"typescript": "5.4.5", "prisma": "6.5.0"},
        scripts={"build": "tsc -p ."},
        locked={name: {"hasInstallScript": True} for name in ("@prisma/client", "prisma", *more)},
    )
    files = {**service, **EXPRESS, "prisma/schema.prisma": SCHEMA, "Dockerfile": dockerfile}
    return propose(evidence(write(root, files)), FAT, target=target)


def stages(rewrite: Rewrite) -> list[list[str]]:
    text = next(change.after.decode() for change in rewrite.changes if change.path == "Dockerfile")
    return [stage.splitlines() for stage in text.removeprefix("FROM ").split("\nFROM ")]


def refused(rewrite: Rewrite) -> str:
    return "; ".join(refusal.reason for refusal in rewrite.refusals if refusal.name == "base-swap")


def test_a_smaller_image_is_given_the_openssl_of_the_full_one(tmp_path: Path) -> None:
    rewrite = proposed(tmp_path, f"FROM node:20\n{BUILD}{START}")
    build, final = stages(rewrite)
    assert build[0] == "node:20 AS build"
    assert final[0] == "node:20-slim"
    assert final.index(ADDED) < final.index("WORKDIR /app")
    assert refused(rewrite) == f"alpine: @prisma/client: {WHY}"


@pytest.mark.parametrize("base", ["node:20", "node:20-slim"])
def test_what_installs_it_already_does_so_in_both_stages(tmp_path: Path, base: str) -> None:
    build, final = stages(proposed(tmp_path, f"FROM {base}\n{APT}\n{BUILD}{START}"))
    assert build[:2] == [f"{base} AS build", APT]
    assert final[0] == "node:20-slim"
    assert [line for line in final if "openssl" in line] == [f"{APT}{EMPTIED}"]


def test_alpine_keeps_the_one_it_has(tmp_path: Path) -> None:
    install = "RUN apk add --no-cache openssl"
    build, final = stages(proposed(tmp_path, f"FROM node:20-alpine\n{install}\n{BUILD}{START}"))
    assert install in build
    assert install in final


@pytest.mark.parametrize("target", ["keep", "alpine"])
def test_the_image_stays_where_no_slim_one_is_asked_for_or_to_be_had(tmp_path: Path, target: str) -> None:
    digest = f"@sha256:{'a' * 64}" if target == "alpine" else ""
    _, final = stages(proposed(tmp_path, f"FROM node:20{digest}\n{BUILD}{START}", target))
    assert final[0] == f"node:20{digest}"
    assert not any("openssl" in line for line in final)


def test_what_needs_other_libraries_too_is_no_matter_of_openssl(tmp_path: Path) -> None:
    rewrite = proposed(tmp_path, f"FROM node:20\n{BUILD}{START}", canvas="2.11.2")
    assert stages(rewrite)[1][0] == "node:20"
    assert "slim: canvas: " in refused(rewrite)


@pytest.mark.parametrize(("install", "image"), [("", "node:20"), (f"{APT}\n", "node:20-slim")])
def test_a_stage_of_the_authors_own_is_swapped_where_it_installs_it(tmp_path: Path, install: str, image: str) -> None:
    last = f"FROM node:20\n{install}WORKDIR /app\nCOPY --from=build /app ./\n"
    rewrite = proposed(tmp_path, f"FROM node:20 AS build\n{BUILD}{last}{START}")
    assert stages(rewrite)[1][0] == image
    assert (f"slim: @prisma/client: {WHY}" in refused(rewrite)) is (not install)
