"""A build argument that the second stage names is declared in it as well: no stage knows those of another."""

from pathlib import Path

import pytest
from rewrite.node_shapes import EXPRESS, FAT, TYPESCRIPT, evidence, package, write

from imageopt.rewrite.propose import propose

BUILDS = "WORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n"


def stages(root: Path, steps: str) -> list[str]:
    dockerfile = f'FROM node:20\n{steps}CMD ["node", "dist/server.js"]\n'
    files = {**package(prod={"express": "4.19.2"}, **TYPESCRIPT), **EXPRESS, "tool.sh": "true\n"}
    rewrite = propose(evidence(write(root, {**files, "Dockerfile": dockerfile})), FAT)
    text = next(change.after.decode() for change in rewrite.changes if change.path == "Dockerfile")
    return text.split("\n\nFROM ")


@pytest.mark.parametrize(
    ("argument", "steps"),
    [
        ("ARG NUMBER=1001\n", f"RUN useradd -m -u $NUMBER app\n{BUILDS}USER app\n"),
        ("ARG PLACE=/opt/tools\n", f"COPY tool.sh ${{PLACE}}/\n{BUILDS}"),
        ("ARG MODE=755\n", f"COPY tool.sh /opt/\nRUN chmod $MODE /opt/tool.sh\n{BUILDS}"),
        ("ARG WHAT=.\n", BUILDS.replace("COPY . .\nRUN npm run build\n", "COPY $WHAT .\n")),
    ],
)
def test_what_the_second_stage_names_it_declares(tmp_path: Path, argument: str, steps: str) -> None:
    build, final = stages(tmp_path, argument + steps)
    assert argument in build
    assert final.index(argument) < final.index("$")


def test_what_an_argument_names_is_above_it(tmp_path: Path) -> None:
    above = "ARG BASE=/opt\nENV TOOLS=$BASE/tools\nARG KIND=x\nARG PLACE=$TOOLS/$KIND\n"
    _, final = stages(tmp_path, f"{above}COPY tool.sh $PLACE/\n{BUILDS}")
    assert above in final


def test_what_only_the_first_stage_names_stays_there(tmp_path: Path) -> None:
    build, final = stages(tmp_path, "ARG WHAT=.\n" + BUILDS.replace("COPY . .", "COPY $WHAT ."))
    assert "ARG WHAT=.\n" in build
    assert "WHAT" not in final


def test_what_is_run_where_a_folder_is_not_there_is_run(tmp_path: Path) -> None:
    build = stages(tmp_path, BUILDS.replace("npm run build", "cd web || npm run build"))[0]
    assert "RUN cd web || npm run build\n" in build
