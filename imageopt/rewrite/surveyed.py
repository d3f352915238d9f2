"""What a survey of a Dockerfile holds: each instruction in the place that it has in two stages."""

from msgspec import Struct, field

from imageopt.dockerfile.model import Instruction
from imageopt.rewrite.commands import Command


class Step(Struct, frozen=True):
    """An instruction for the build stage: as written where `text` is None, else this in its place."""

    instruction: Instruction
    text: str | None = None
    removes: tuple[str, ...] = ()  # what it deletes, where it does nothing else


class Copy(Struct, frozen=True):
    """A COPY or ADD of project files: its sources, and where they go, as an absolute path.

    `counts_from`: the folder that the target is written for, empty where it is written as a whole path.
    """

    instruction: Instruction
    sources: tuple[str, ...]
    target: str
    counts_from: str


class Survey(Struct):
    """Everything in the order of the file. `before_install` and `build` are the build stage's steps around `npm ci`.

    `runtime` are the instructions the running image keeps as they are; `copies` the ones into the application's folder,
    `outside` those to elsewhere. `folder` is the application's folder, `final_folder` the last WORKDIR.
    """

    folder: str = ""
    final_folder: str = ""
    unnamed: bool = False  # no WORKDIR above the installation names that folder, but a `cd` or an option
    starts_at_root: bool = False  # nor does one below it
    user: str = ""
    user_set: Instruction | None = None
    before_install: list[Step] = field(default_factory=list)
    build: list[Step] = field(default_factory=list)
    runtime: list[Instruction] = field(default_factory=list)
    arguments: list[Instruction] = field(default_factory=list)
    manifests: list[Instruction] = field(default_factory=list)  # what the install copies itself in the place of these
    copies: list[Copy] = field(default_factory=list)
    outside: list[Instruction] = field(default_factory=list)
    system: list[tuple[Instruction, Command]] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    clock: list[str] = field(default_factory=list)  # what sets the system's time zone
    locale: list[str] = field(default_factory=list)  # what makes a language for the system
    crontabs: list[str] = field(default_factory=list)  # the files that are given to cron
    certificates: list[str] = field(default_factory=list)  # what adds to those that the system trusts, with its flags
    folders: list[str] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)  # the chmods of what is copied to elsewhere
    globals: list[tuple[Instruction, Command]] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)  # installations of other packages, in folders of their own
    install: Instruction | None = None
    install_flags: tuple[str, ...] = ()
    production_only: bool = False
    builds: bool = False
    owned_all: bool = False
    groups: dict[str, str] = field(default_factory=dict)  # user to group, as files are given away; "" is for any user
    folder_mode: str = ""  # the last chmod of the application's folder itself
    works: bool = False  # a RUN of the build stage changes files of the application
    members_built: set[str] = field(default_factory=set)  # folders of a workspace's members whose build is run
    everything: bool = False  # in a workspace: a build command may need members that the image is not for
    objections: list[str] = field(default_factory=list)

    def last(self, keyword: str) -> Instruction | None:
        """The last instruction of that keyword that the running image keeps."""
        return next((item for item in reversed(self.runtime) if item.keyword == keyword), None)


def within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def short(text: str) -> str:
    """The text in one line that fits into a reason."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}..."
