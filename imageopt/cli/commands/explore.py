"""`imageopt explore`: an image's layers and files to walk through, in the terminal."""

import sys
from importlib.util import find_spec
from typing import Any

import click

from imageopt.cli.completion import complete_paths
from imageopt.cli.options import (
    build_options,
    built_how,
    config_option,
    configuration,
    image_options,
    progress_options,
)
from imageopt.errors import InputError, ToolMissing, UsageError


@click.command()
@click.argument("target", default=".", shell_complete=complete_paths)
@image_options
@build_options
@config_option
@progress_options
def command(target: str, **options: Any) -> int:
    """Walk through the layers and files of TARGET: an image, or a folder with its image.

    \b
    tab        layers or files
    ctrl+l     what the chosen layer did
    ctrl+a     all up to that layer; in the files, what was added
    space      fold or unfold a folder
    / ctrl+f   search in the paths
    s          sort by size, waste or name
    w          only waste
    e          explain: line, package, cause, what to do
    q          quit

    It needs `pip install "imageopt[explore]"` and a terminal.
    """
    if find_spec("textual") is None:
        raise ToolMissing("textual is not installed", 'run `pip install "imageopt[explore]"`')
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("explore needs a terminal", "use `imageopt analyze` where there is none")
    from imageopt.api import gather, policy_of
    from imageopt.cli.progress import make_progress

    config = configuration(target, options.pop("config"))
    build, image = options.pop("build"), options.pop("image")
    gathered = gather(
        target,
        image=image or config.project.image,
        build=build,
        options=built_how(options, config),
        progress=make_progress(quiet=options["quiet"], verbose=options["verbose"]),
    )
    if gathered.evidence.image is None:
        raise InputError(f"there is no image of {target}", "add --build, or name the image with --image")
    from imageopt.explore.first import first_screen, layer_lines, unseen_keys

    with unseen_keys():
        with first_screen(layer_lines(gathered.evidence)):
            from imageopt.explore.app import Explorer

            rules = lambda: {rule.name: rule for rule in policy_of(config, gathered.folder).rules}  # noqa: E731
            explorer = Explorer(gathered.evidence, rules)
        explorer.run()
    return explorer.return_code or 0
