"""`imageopt init`: a configuration, a CI job and a hook for a project; shown first, written with --apply."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imageopt.cli.options import build_options, built_how, configuration, image_options, list_options
from imageopt.cli.output import emit_list, say
from imageopt.config import Config
from imageopt.errors import InputError, one_line

if TYPE_CHECKING:
    from imageopt.init.plan import Setup


@click.command()
@click.argument("folder", type=click.Path(file_okay=False), default=".")
@click.option("--apply", "write", is_flag=True, help="Write the files; without it they are only shown.")
@click.option("--ci", type=click.Choice(["gitlab", "github", "none"]), help="Whose job to write; found out without it.")
@click.option("--hook", is_flag=True, help="Write a pre-commit configuration where there is none.")
@image_options
@build_options
@list_options
def command(folder: str, *, write: bool, ci: Any, hook: bool, **options: Any) -> int:
    """Set FOLDER up: imageopt.toml, a CI job, a pre-commit hook. Nothing is written without --apply.

    With --build or --image the budget is measured, else it stays a comment. No file that is there is overwritten; in
    an imageopt.toml only the budget is added, and YAML of yours is left for you to edit.

    \b
    imageopt init .
    imageopt init . --build --apply
    """
    from imageopt.init.plan import plan
    from imageopt.project.read import read_project

    root = Path(folder)
    if not root.is_dir():
        raise InputError(f"there is no folder {folder}", "name the project's folder")
    config = configuration(folder, options["config"])
    project = read_project(root, dockerfile=options["file"] or config.build.file or "Dockerfile")
    setup = plan(root, project, _measured(folder, config, options), ci, hook=hook)
    if write:
        _write(root, setup)
    emit_list(_document(setup, written=write), lambda _: _text(setup), options["formats"])
    for note in setup.notes:
        say(note)
    if setup.files and not write:
        say("nothing was written; --apply writes it")
    return 0


def _measured(folder: str, config: Config, options: dict[str, Any]) -> dict[str, Any] | None:
    """The analysis of the project's image, where one is named or to be built."""
    build, image = options["build"], options["image"]
    built = built_how(options, config)
    if not build and image is None:
        return None
    from imageopt.api import analyze
    from imageopt.cli.progress import make_progress
    from imageopt.report.analysis import analysis_document

    progress = make_progress(quiet=options["quiet"], verbose=options["verbose"])
    return analysis_document(analyze(folder, image=image, build=build, options=built, progress=progress))


def _text(setup: "Setup") -> str:
    from imageopt.rewrite.diff import file_diff

    diffs = (file_diff(change) for change in setup.files)
    by_hand = (f"\nPut this into {one_line(path)} by hand:\n\n{text}" for path, text in setup.snippets)
    return "".join((*diffs, *by_hand))


def _document(setup: "Setup", *, written: bool) -> dict[str, Any]:
    from imageopt.report.findings import tool
    from imageopt.rewrite.diff import file_diff

    return {
        "schema": "imageopt.init/1",
        "tool": tool(),
        "written": written,
        "files": [{"path": str(change.path), "diff": file_diff(change)} for change in setup.files],
        "by_hand": [{"path": path, "text": text} for path, text in setup.snippets],
        "notes": list(setup.notes),
    }


def _write(root: Path, setup: "Setup") -> None:
    """Writes the files. Raises InputError for one that somebody made or changed meanwhile."""
    from imageopt.cli.output import write_whole

    for change in setup.files:
        path = root / change.path
        if (path.read_bytes() if path.exists() else None) != change.before:
            raise InputError(f"{path} changed meanwhile", "run it again")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, change.after)
        say(f"written: {path}")
