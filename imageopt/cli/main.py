"""The command table: a name, a module and a help line each, so that `--help` imports none of them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from imageopt.errors import ToolFailed

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "analyze": "What makes an image big, which line did it, what to do.",
    "rewrite": "Propose a smaller Dockerfile; --apply writes it, --undo takes it back.",
    "verify": "Build, run, scan and compare before and after.",
    "compare": "What differs between two images: by cause, package, path, layer.",
    "gate": "Hold an image against a budget; the exit code is the answer.",
    "explore": "Walk through an image's layers and files, in the terminal.",
    "lint": "Check Dockerfiles alone: no engine, fast.",
    "init": "Set a project up: imageopt.toml, a CI job, a pre-commit hook.",
    "gitlab": "Take a result to GitLab: a note, or a merge request.",
    "report": "Show a stored result again, in any format.",
    "rules": "List the rules.",
    "explain": "What a rule finds, why it matters, what to do instead.",
    "completion": "The script with which a shell completes imageopt's commands.",
    "doctor": "What is installed, what is missing, what that costs.",
    "cache": "What is kept of layers that were read; --clear removes it.",
    "clean": "Remove what an interrupted imageopt left in the engine.",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"imageopt.cli.commands.{cmd_name}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list["CompletionItem[str]"]:
        from click.shell_completion import CompletionItem

        commands = [CompletionItem(name, help=words) for name, words in COMMANDS.items() if name.startswith(incomplete)]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]  # a group's own would import each

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # click would take it for a reader gone, and exit 1; those are met elsewhere
            raise ToolFailed(f"the other side broke off: {error.strerror}", "try again") from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not ctx.resilient_parsing:
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, 1)
            meant = f" (did you mean {close[0]}?)" if close else ""
            ctx.fail(f"there is no command {args[0]!r}{meant}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 could not be done, 70 a bug, 130 interrupted.",
)
@click.version_option(package_name="imageopt", message="imageopt %(version)s")
def command() -> None:
    """Find what makes a container image big, rewrite the Dockerfile, and prove the result.

    \b
    imageopt analyze .            what is big, which line, what to do
    imageopt rewrite .            the proposed Dockerfile as a diff
    imageopt verify .             both versions built, run, scanned, compared
    imageopt compare OLD NEW      what a change made of an image, and where
    imageopt gate .               whether it keeps to its budget, for CI
    """
