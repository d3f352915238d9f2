"""A Laravel image -> the same with its events, routes and views compiled while it is built.

Never its configuration: `config:cache` would bake in what the environment was during the build, and every later
variable would be ignored. For the same reason routes that read the environment are left alone.
"""

import posixpath
import re
from collections.abc import Iterator

from imageopt.dockerfile.environment import stage_environment
from imageopt.dockerfile.model import Instruction, Stage
from imageopt.project.files import files_named, read_source, read_text
from imageopt.rewrite.asked.model import Asked, Change, Site
from imageopt.rewrite.php.base import php_image

_READS = re.compile(r"(?<![>:\w])(env|config|app)\s*\(")
_COMPILES = re.compile(r"artisan\s+(?:optimize\b|(?:route|view|event):(?:cache|clear))")
_COMMAND = "php artisan event:cache && php artisan route:cache && php artisan view:cache"


def _make(site: Site) -> Change | str:
    project = site.project
    if project.php is None or project.php.framework != "laravel":
        return "it is no Laravel project"
    steps = [item for item in site.final.instructions if item.keyword in ("COPY", "ADD", "RUN")]
    if not steps:
        return "the final stage copies nothing that could be compiled"
    folder = _folder(site, steps[-1])
    if folder is None or not any(_brings_artisan(site, stage, folder) for stage in _stages(site)):
        return "whether the final image has PHP, and artisan in its working folder, is not known"
    lines = {site.line(i): " ".join(i.json or (i.arguments,)) for s in site.tree.stages for i in s.instructions}
    lines |= site.scripts
    for fact in site.deployment.of("command", "entrypoint", "hook", "run", dockerfile=site.path):
        lines[fact.source] = fact.value
    done = next((place for place, text in lines.items() if _COMPILES.search(text)), None)
    if done is not None:
        return f"{done} compiles or clears them already"
    for path in files_named(project.root, (".php",)):
        read = _READS.search(read_source(project.root, path)) if path.startswith("routes/") else None
        if read:
            return f"{path} calls {read[1]}(), so its routes may differ between the build and the container"
    below = [item for item in site.final.instructions if item.start > steps[-1].start and item.keyword == "USER"]
    users = [item for item in site.final.instructions if item.keyword == "USER" and item not in below]
    if users:
        return f"{site.line(users[-1])}: whether this user may write to bootstrap/cache is not known"
    notes = ("config:cache is left to the start of the container, where the environment is known",)
    return Change(
        (site.insertion(steps[-1].end, f"RUN {_COMMAND}"),),
        "no route reads the environment, and views and events never do",
        0,
        notes,
    )


def _stages(site: Site) -> Iterator[Stage]:
    """The final stage and those that it is built on."""
    stage: Stage | None = site.final
    while stage is not None:
        yield stage
        stage = site.tree.stages[stage.parent] if stage.parent is not None else None


def _folder(site: Site, last: Instruction) -> str | None:
    """The folder that a RUN below the instruction works in, None where that or PHP itself may not be there."""
    root = list(_stages(site))[-1]
    image = php_image(root.from_instruction.words[0].raw, root.base)
    if image is None and "php" not in (root.base or ""):
        return None
    return stage_environment(site.tree, site.final, at=last).workdir or (image.workdir if image is not None else None)


def _brings_artisan(site: Site, stage: Stage, folder: str) -> bool:
    for item in stage.instructions:
        words = item.values
        if item.keyword not in ("COPY", "ADD") or len(words) < 2:
            continue
        place = posixpath.join(stage_environment(site.tree, stage, at=item).workdir or folder, words[-1])
        paths = (name if posixpath.basename(name) == "artisan" else f"{name}/artisan" for name in words[:-1])
        if posixpath.normpath(place) == posixpath.normpath(folder) and (
            item.flag("from") or any(read_text(site.project.root, path) is not None for path in paths)
        ):
            return True
    return False


LARAVEL_CACHES = Asked("laravel-caches", "events, routes and views compiled in the build, the configuration not", _make)
