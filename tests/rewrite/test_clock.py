"""A time zone that the Dockerfile sets for the system is set in the image that is shipped, too."""

from pathlib import Path

import pytest
from rewrite.node_shapes import EXPRESS, FAT, evidence, package, write
from rewrite.system_lines import BEGIN, START, proposed, shipped

from imageopt.dockerfile import parse
from imageopt.rewrite.commands import commands_of
from imageopt.rewrite.propose import propose

PINNED = "node:20@sha256:" + 64 * "0"
LINK = "ln -snf /usr/share/zoneinfo/$TZ /etc/localtime"
NOTE = "echo $TZ > /etc/timezone"


@pytest.mark.parametrize("told", ["ENV TZ=Europe/Berlin", "ARG TZ=Europe/Berlin"])
def test_it_is_set_after_what_says_which(tmp_path: Path, told: str) -> None:
    lines = shipped(proposed(tmp_path, f"{told}\nRUN {LINK} && {NOTE}\n", PINNED))
    assert lines[0] == PINNED
    assert lines.index(told) < lines.index(f"RUN {LINK} && {NOTE}") < lines.index("USER node")
    assert not any("tzdata" in line for line in lines)


@pytest.mark.parametrize(
    ("commands", "base", "install"),
    [
        (f"{LINK} && {NOTE}", "node:20-alpine", "RUN apk add --no-cache tzdata"),
        (
            f"{NOTE} && dpkg-reconfigure -f noninteractive tzdata",
            "node:20-slim",
            "RUN apt-get update && apt-get install -y --no-install-recommends tzdata && rm -rf /var/lib/apt/lists/*",
        ),
    ],
)
def test_a_smaller_image_gets_the_time_zones_first(tmp_path: Path, commands: str, base: str, install: str) -> None:
    lines = shipped(proposed(tmp_path, f"ENV TZ=Europe/Berlin\nRUN {commands}\n"))
    assert lines[0] == base
    assert lines.index(install) < lines.index(f"RUN {commands}")


def test_a_package_of_the_original_is_installed_once(tmp_path: Path) -> None:
    install = "apt-get update && apt-get install -y tzdata"
    lines = shipped(proposed(tmp_path, f"ENV TZ=Europe/Berlin\nRUN {install} && {LINK}\n"))
    assert lines[0] == "node:20-slim"
    assert len([line for line in lines if "tzdata" in line]) == 1
    assert f"RUN {LINK}" in lines


def test_an_alpine_image_keeps_the_package_that_was_taken_away_again(tmp_path: Path) -> None:
    copy = "cp /usr/share/zoneinfo/Europe/Berlin /etc/localtime"
    middle = f'RUN apk add --no-cache tzdata && {copy} && echo "Europe/Berlin" > /etc/timezone && apk del tzdata\n'
    lines = shipped(proposed(tmp_path, middle, "node:20-alpine"))
    assert "RUN apk add --no-cache tzdata" in lines
    assert f'RUN {copy} && echo "Europe/Berlin" > /etc/timezone' in lines


@pytest.mark.parametrize(
    ("command", "is_clock"),
    [
        (LINK, True),
        ("ln -sf /usr/share/zoneinfo/Asia/Tokyo /etc/localtime", True),
        ("cp /usr/share/zoneinfo/UTC /etc/localtime", True),
        (NOTE, True),
        ('echo "${TZ}" >/etc/timezone', True),
        ("DEBIAN_FRONTEND=noninteractive dpkg-reconfigure tzdata", True),
        ("dpkg-reconfigure -f noninteractive tzdata", True),
        ("dpkg-reconfigure -f noninteractive locales", False),
        ("dpkg-reconfigure tzdata locales", False),
        ("ln -s /usr/share/zoneinfo/UTC /app/zone", False),
        ("cp /srv/zone /etc/localtime", False),
        ("cp /usr/share/zoneinfo/UTC /etc/localtime > /etc/done", False),
        ("ln -s /usr/share/zoneinfo/$(cat zone) /etc/localtime", False),
        ("echo $TZ >> /etc/profile", False),
    ],
)
def test_which_commands_set_it(command: str, is_clock: bool) -> None:
    (run,) = [item for item in parse(f"FROM node:20\nRUN {command}\n".encode()).instructions if item.keyword == "RUN"]
    assert [found.purpose == "clock" for found in commands_of(run)] == [is_clock]


STAGES = BEGIN.replace("{base}", "node:20 AS build") + "FROM node:20\nWORKDIR /app\nCOPY --from=build /app ./\n"


@pytest.mark.parametrize("stage", ["build", "final"])
@pytest.mark.parametrize(("install", "keeps"), [("", True), ("apt-get update && apt-get install -y tzdata && ", False)])
def test_a_stage_of_the_authors_own_keeps_an_image_that_has_the_zones(
    tmp_path: Path, stage: str, install: str, keeps: bool
) -> None:
    run = f"ENV TZ=Europe/Berlin\nRUN {install}{LINK}\n"
    final = "FROM node:20\nWORKDIR /app\n"
    first = STAGES.replace("RUN npm ci\n", f"{run}RUN npm ci\n")
    text = first if stage == "build" else STAGES.replace(final, final + run)
    service = package(prod={"express": "4.19.2"}, dev={"typescript": "5.4.5"}, scripts={"build": "tsc -p ."})
    rewrite = propose(evidence(write(tmp_path, {**service, **EXPRESS, "Dockerfile": text + START})), FAT)
    sets = next(part for part in rewrite.changes[0].after.decode().split("FROM ") if LINK in part)
    assert stage == "build" or sets.startswith("node:20\n") is keeps, [one.reason for one in rewrite.refusals]
    assert sets.startswith("node:20 AS build\n") or stage == "final" or not keeps
