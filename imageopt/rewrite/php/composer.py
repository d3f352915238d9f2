"""What Composer is told: the packages are installed before the sources are there, the class map is made after.

Scripts run where they always ran, with the code in place; Composer itself is only mounted there, so it is in no layer.
"""

import posixpath
from pathlib import Path

from imageopt.project.files import exists
from imageopt.project.jsonc import object_of, read_object
from imageopt.project.model import Php
from imageopt.rewrite.php.commands import PhpCommand
from imageopt.rewrite.php.hazards import needs_patches
from imageopt.rewrite.php.stages import Lines
from imageopt.rewrite.php.survey import PhpSurvey, Place
from imageopt.rewrite.render import copy, flags_of, word
from imageopt.rewrite.system import install_line

_COMPOSER = "/usr/bin/composer"
_CACHE = "/tmp/composer"  # noqa: S108 (in the image)
_KEPT = ("--ignore-platform-req", "--ignore-platform-reqs", "--no-plugins", "--prefer-source")


def manifests(root: Path) -> list[str]:
    """The files that decide what is installed."""
    return [name for name in ("composer.json", "composer.lock", "symfony.lock", "auth.json") if exists(root, name)]


def path_folders(root: Path, php: Php) -> tuple[str, ...]:
    """Folders of the project that Composer takes packages or patches from."""
    folders = [path.partition("*")[0].rstrip("/") for path in php.path_repositories]
    folders += ["patches"] if needs_patches(root) else []
    inside = (posixpath.normpath(path) for path in folders if path)
    return tuple(dict.fromkeys(path for path in inside if not path.startswith(("..", "/")) and exists(root, path)))


def vendor_tools(made: Lines) -> list[str]:
    """The RUN lines that install what Composer fetches and unpacks with."""
    return [install_line(command.words, packages) for command, packages in made.fetching]


def install_run(install: Place, asked: PhpCommand, dev: str, *, mounts: bool) -> str:
    """The RUN that installs what the lock file pins, without any of the project's code."""
    flags = flags_of(install.instruction)
    flags += f"--mount=type=cache,target={_CACHE} " if mounts else ""
    begin = f"RUN {flags}\\\n    " if flags else "RUN "
    kept = "".join(f" {word(flag)}" for flag in asked.words if flag.startswith(_KEPT))
    return (
        f"{begin}COMPOSER_ALLOW_SUPERUSER=1 COMPOSER_CACHE_DIR={_CACHE} \\\n"
        f"    composer install{dev} --no-scripts --no-autoloader --prefer-dist --no-interaction --no-progress{kept}"
    )


def mount(stage: str) -> str:
    """The flag that brings Composer to a RUN from the stage that has it, and leaves it in no layer."""
    return f"--mount=type=bind,from={stage},source={_COMPOSER},target={_COMPOSER} "


def brought(stage: str) -> str:
    """The COPY that brings Composer where the builder mounts nothing: its file is in the image then."""
    return copy([_COMPOSER], _COMPOSER, f"--from={stage}")


def autoload_run(root: Path, composer: str, found: PhpSurvey, dev: str, folder: str, after: str) -> str:
    """The RUN that makes the class map and runs the scripts which ran before.

    `composer` is the mount that brings it, empty where it is there; `folder` is where it works, if not where it
    stands; `after` is a command to end with, empty for none.
    """
    where = f" --working-dir={word(folder)}" if folder else ""
    scripts = object_of((read_object(root, "composer.json") or {}).get("scripts"))
    install, last = found.last_command("composer-install"), found.last_command("composer-install", "composer-dump")
    quiet = last is not None and "--no-scripts" in last.words
    commands = [f"composer dump-autoload{dev} --optimize{where}{' --no-scripts' if quiet else ''}"]
    if install is not None and "--no-scripts" not in install.words and "post-install-cmd" in scripts:
        commands.append(f"composer run-script{dev}{where} post-install-cmd")
    commands += [after] if after else []
    begin = f"RUN {composer}\\\n    " if composer else "RUN "
    lines = (f"{begin}export COMPOSER_ALLOW_SUPERUSER=1", *(f"&& {command}" for command in commands))
    return " \\\n    ".join(lines)
