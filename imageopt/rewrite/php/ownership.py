"""Whom a PHP service runs as and what it may write to, without a second copy of every file.

Apache opens port 80 as root and serves as www-data by itself. A `chown -R` of the whole application becomes the owner
of the files as they are copied, or, where a framework says what it writes to, of those folders alone.
"""

import re

from msgspec import Struct

from imageopt.project.model import Php
from imageopt.rewrite.ground import Account
from imageopt.rewrite.php.base import PhpImage
from imageopt.rewrite.php.stages import owns_all
from imageopt.rewrite.php.survey import PhpSurvey
from imageopt.rewrite.render import Unsafe, owner

_SERVER_USER = "www-data"
_LOWEST_PORT = 1024
_WRITTEN: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # folders to make, and those to give away
    "laravel": (
        ("bootstrap/cache", "storage/app", "storage/framework/cache/data", "storage/framework/sessions",
         "storage/framework/views", "storage/logs"),
        ("bootstrap/cache", "storage"),
    ),
    "symfony": (("var",), ("var",)),
    "plain": ((), ()),
}  # fmt: skip


class Ownership(Struct, frozen=True):
    """`user` is the USER to add, empty for none. `owner`: whose the files are, all of them for `everything`.

    `folders` is the RUN that makes and gives away the folders which the framework writes to, empty without any.
    """

    user: str
    owner: str
    everything: bool
    folders: str

    @property
    def flag(self) -> tuple[str, ...]:
        """The flag of a COPY into the application."""
        return (f"--chown={self.owner}",) if self.everything else ()


def ownership(php: Php | None, found: PhpSurvey, image: PhpImage, account: Account, *, anywhere: bool) -> Ownership:
    """Who owns what; `anywhere`: the service writes to more than its framework's own folders."""
    user = _user(found, image, account)
    given = _recursive_owner(found)
    whose = given or (f"{_SERVER_USER}:{_SERVER_USER}" if user else "")
    if not whose:
        return Ownership(user, "", everything=False, folders="")
    made, folders = _WRITTEN[php.framework if php else "plain"]
    everything = anywhere or not folders
    if given:
        narrow = f"it writes to {' and '.join(folders)}, and those alone are given to {given}"
        account.done["copy-chown"] = "files get their owner while they are copied" if everything else narrow
    prefix = "" if found.places[-1].folder == found.folder else f"{found.folder}/"
    paths = [" ".join(f"{prefix}{path}" for path in each) for each in (made, folders)]
    lines = f"RUN mkdir -p {paths[0]} \\\n    && chown -R {whose} {paths[1]}" if folders else ""
    return Ownership(user, whose, everything, lines)


def _recursive_owner(found: PhpSurvey) -> str:
    """Whom the whole application is given to by `chown -R`; empty where it is not, or where the owner is a variable."""
    for place in found.places:
        for command in place.commands:
            if command.purpose == "owner" and owns_all(found, place, command):
                try:
                    return owner(next(word for word in command.words[1:] if not word.startswith("-")))
                except Unsafe:
                    return ""
    return ""


def _user(found: PhpSurvey, image: PhpImage, account: Account) -> str:
    """The user to add."""
    if found.last("USER") is not None:
        return ""
    if image.server == "apache":
        reason = "Apache opens port 80 as root, and serves as www-data by itself; another user needs another port"
    elif found.last("ENTRYPOINT") is not None or not _is_plain_start(found, image):
        reason = "its start command may need root"
    elif any(port < _LOWEST_PORT for port in _ports(found)):
        reason = f"it listens on port {min(_ports(found))}, which outside of Docker only root may"
    else:
        account.done["run-as-node"] = f"it needs no privilege, and runs as {_SERVER_USER}"
        account.notes.append(f"volumes that exist already belong to root: chown them to {_SERVER_USER} once")
        return _SERVER_USER
    account.refuse("run-as-node", reason)
    return ""


def _is_plain_start(found: PhpSurvey, image: PhpImage) -> bool:
    command = found.last("CMD")
    if command is None:
        return image.server == "fpm"
    words = command.instruction.json or tuple(command.instruction.arguments.split())
    return words[:1] in (("php-fpm",), ("php",)) and not re.search(r"[;&|`]", " ".join(words))


def _ports(found: PhpSurvey) -> list[int]:
    exposed = [place.instruction.arguments for place in found.places if place.instruction.keyword == "EXPOSE"]
    command = found.last("CMD")
    started = command.instruction.arguments if command is not None else ""
    named = re.findall(r"\d{1,5}", " ".join(exposed)) + re.findall(r"(?::|--port[= \"',]+)(\d{1,5})", started)
    return [int(port) for port in named]
