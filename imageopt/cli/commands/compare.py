"""`imageopt compare`: two images, and what a change made of the one."""

from typing import Any

import click

from imageopt.cli.completion import complete_paths
from imageopt.cli.options import Talk, config_option, configuration, platform_option, talk_options
from imageopt.cli.output import emit, parse_formats


@click.command()
@click.argument("before", shell_complete=complete_paths)
@click.argument("after", shell_complete=complete_paths)
@click.option("--limit", type=click.IntRange(0), default=10, show_default=True, help="Rows of each list; 0: all.")
@click.option("-f", "--file", metavar="FILE", help="The Dockerfile of both images.")
@click.option("--before-file", metavar="FILE", help="The Dockerfile of BEFORE, where it is another one.")
@click.option("--target", "stage", metavar="STAGE", help="The stage that was built; the last one without it.")
@platform_option("The platform of both images, such as linux/amd64.")
@config_option
@talk_options
def command(before: str, after: str, **options: Any) -> int:
    """Compare two images, from any source: by size, cause, package, path and layer.

    Live files and links are compared by content, owner and mode; time stamps, empty folders and devices are not.

    \b
    imageopt compare docker:app:main docker:app:branch
    imageopt compare docker-archive:old.tar oci:new --limit 50 --format markdown
    """
    from imageopt.build.options import BuildOptions
    from imageopt.comparison import compare
    from imageopt.report.comparison import comparison_document

    config = configuration(".", options["config"])
    parse_formats(options["formats"])
    talk = Talk.of(options)
    compared = compare(
        before,
        after,
        options=BuildOptions(
            file=options["file"],
            target=options["stage"] or config.build.target,
            platform=options["platform"] or config.build.platform,
        ),
        before_file=options["before_file"],
        limit=options["limit"],
        progress=talk.progress,
    )
    emit(comparison_document(compared), talk.formats, talk.color)
    return 0
