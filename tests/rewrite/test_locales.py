"""A language that the Dockerfile makes for the system is made in the image that is shipped, too."""

from pathlib import Path

import pytest
from rewrite.node_shapes import EXPRESS, FAT, evidence, package, write
from rewrite.system_lines import BEGIN, START, proposed, shipped

from imageopt.dockerfile import parse
from imageopt.rewrite.commands import commands_of
from imageopt.rewrite.propose import propose

UNCOMMENT = "sed -i '/de_DE.UTF-8/s/^# //g' /etc/locale.gen"
INSTALL = "RUN apt-get update && apt-get install -y locales"
LANG = "ENV LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8"


@pytest.mark.parametrize("base", ["node:20", "node:20-slim"])
def test_it_is_made_from_its_package(tmp_path: Path, base: str) -> None:
    lines = shipped(proposed(tmp_path, f"{INSTALL} && {UNCOMMENT} && locale-gen\n{LANG}\n", base))
    assert lines[0] == "node:20-slim"
    assert lines.index(f"{INSTALL} && rm -rf /var/lib/apt/lists/*") < lines.index(f"RUN {UNCOMMENT} && locale-gen")
    assert LANG in lines


def test_an_argument_that_it_names_comes_along(tmp_path: Path) -> None:
    lines = shipped(proposed(tmp_path, f"ARG NAME=de_DE\n{INSTALL} && localedef -i $NAME -f UTF-8 $NAME.UTF-8\n"))
    assert lines.index("ARG NAME=de_DE") < lines.index("RUN localedef -i $NAME -f UTF-8 $NAME.UTF-8")


def test_alpine_has_no_such_thing(tmp_path: Path) -> None:
    rewrite = proposed(tmp_path, f"{INSTALL} && locale-gen de_DE.UTF-8\n")
    assert "alpine: `locale-gen de_DE.UTF-8` is Debian's own" in [one.reason for one in rewrite.refusals]


def test_without_its_package_the_image_stays(tmp_path: Path) -> None:
    assert shipped(proposed(tmp_path, "RUN locale-gen de_DE.UTF-8\n"))[0] == "node:20"


@pytest.mark.parametrize(
    ("command", "is_locale"),
    [
        ("locale-gen", True),
        ("/usr/sbin/locale-gen en_US.UTF-8", True),
        ("update-locale LANG=en_US.UTF-8", True),
        ("DEBIAN_FRONTEND=noninteractive dpkg-reconfigure locales", True),
        ("dpkg-reconfigure --frontend=noninteractive locales", True),
        ("dpkg-reconfigure -f noninteractive locales", True),
        ("localedef -i en_US -c -f UTF-8 -A /usr/share/locale/locale.alias en_US.UTF-8", True),
        ("echo 'en_US.UTF-8 UTF-8' > /etc/locale.gen", True),
        ('echo "en_US.UTF-8 UTF-8" >> /etc/locale.gen', True),
        ('echo "LANG=en_US.UTF-8" > /etc/default/locale', True),
        (UNCOMMENT, True),
        ("sed -i -e 's/# en_US.UTF-8 UTF-8/en_US.UTF-8 UTF-8/' /etc/locale.gen", True),
        ("sed 's/a/b/' /etc/locale.gen", False),
        ("sed -i 's/a/b/' /etc/locale.gen /etc/passwd", False),
        ("sed -i 's/a/b/' /etc/hosts", False),
        ("echo en_US > /etc/hosts", False),
        ("echo $(cat x) > /etc/locale.gen", False),
        ("locale-gen > /app/log", False),
        ("dpkg-reconfigure locales tzdata", False),
        ("locale -a", False),
    ],
)
def test_which_commands_make_it(command: str, is_locale: bool) -> None:
    (run,) = [item for item in parse(f"FROM node:20\nRUN {command}\n".encode()).instructions if item.keyword == "RUN"]
    assert [found.purpose == "locale" for found in commands_of(run)] == [is_locale]


@pytest.mark.parametrize(("install", "image"), [("", "node:20"), (f"{INSTALL[4:]} && ", "node:20-slim")])
def test_a_stage_of_the_authors_own_keeps_an_image_that_can_make_it(tmp_path: Path, install: str, image: str) -> None:
    first = BEGIN.format(base="node:20 AS build")
    last = f"FROM node:20\nRUN {install}{UNCOMMENT} && locale-gen\nWORKDIR /app\nCOPY --from=build /app ./\n"
    service = package(prod={"express": "4.19.2"}, dev={"typescript": "5.4.5"}, scripts={"build": "tsc -p ."})
    rewrite = propose(evidence(write(tmp_path, {**service, **EXPRESS, "Dockerfile": first + last + START})), FAT)
    assert shipped(rewrite)[0] == image, rewrite.refusals
