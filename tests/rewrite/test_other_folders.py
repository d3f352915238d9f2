"""What a Dockerfile copies to another folder than the application's: it ends up there, or nothing is restructured."""

from pathlib import Path

import pytest
from rewrite.node_shapes import EXPRESS, FAT, TYPESCRIPT, evidence, package, write

from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.propose import propose

BUILDS = "WORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n"


def proposed(root: Path, steps: str) -> Rewrite:
    dockerfile = f'FROM node:20\n{steps}CMD ["node", "dist/server.js"]\n'
    files = {**package(prod={"express": "4.19.2"}, **TYPESCRIPT), **EXPRESS, "tool.sh": "true\n"}
    return propose(evidence(write(root, {**files, "Dockerfile": dockerfile})), FAT)


def objection(rewrite: Rewrite) -> str:
    assert not any(b"AS build" in change.after for change in rewrite.changes)
    return "; ".join(refusal.reason for refusal in rewrite.refusals if refusal.name == "multi-stage")


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        (
            f"WORKDIR /opt/tools\nCOPY tool.sh ./\n{BUILDS}",
            "line 3: it copies to /opt/tools, and the application is in /app",
        ),
        (f"WORKDIR /opt\nCOPY tool.sh /opt/\n{BUILDS}", "line 3: it copies to /opt, and the application is in /app"),
        (
            f"{BUILDS}WORKDIR /opt\nCOPY tool.sh ./\nWORKDIR /app\n",
            "line 8: it copies to /opt, and the application is in /app",
        ),
        (
            "WORKDIR /app\nCOPY . .\nWORKDIR /app/api\nRUN npm ci && npm run build\n",
            "line 3: it copies to /app, and the application is in /app/api",
        ),
        (f"WORKDIR /app/bin\nCOPY tool.sh ./\n{BUILDS}", "line 3: its target counts from /app/bin, not from /app"),
        (
            f"WORKDIR /opt/x\nCOPY tool.sh ../y/\n{BUILDS}",
            "line 3: its target counts from /opt/x, and lies outside of it",
        ),
    ],
)
def test_what_would_land_elsewhere_is_not_moved(tmp_path: Path, steps: str, reason: str) -> None:
    assert objection(proposed(tmp_path, steps)) == reason


def test_what_is_copied_to_a_folder_by_its_whole_path_is_copied_there_again(tmp_path: Path) -> None:
    rewrite = proposed(tmp_path, f"COPY tool.sh /opt/tools/\n{BUILDS}")
    text = next(change.after.decode() for change in rewrite.changes if change.path == "Dockerfile")
    _, final = text.split("\n\nFROM ")
    assert "COPY tool.sh /opt/tools/\n" in final
