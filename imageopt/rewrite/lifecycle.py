"""What `npm ci` needs beside package.json and the lock file, because the project's own install scripts run with it.

A hook installer needs nothing; patches and a Prisma schema are copied with the manifests. Any other script may need
any source, so then the sources come first, and the cache of packages is the price.
"""

import re
from collections.abc import Iterable

from msgspec import Struct

from imageopt.project.app import built_for_app
from imageopt.project.files import exists, is_folder
from imageopt.project.model import Manifest, Project
from imageopt.project.scripts import commands, split_assignments

_NEEDS_NOTHING = {"husky", "lefthook", "simple-git-hooks", "is-ci", "echo", "true", "exit", ":", "only-allow", "ngcc",
                  "opencollective", "opencollective-postinstall"}  # fmt: skip
_NEEDS_FOLDER = {"patch-package": "patches", "prisma": "prisma"}

_GENERATES = "@prisma/client"  # its own script makes the client of the schema, wherever that is there


class InstallInputs(Struct, frozen=True):
    """`paths` to copy with the manifests; `everything`: all sources must come first, for `reason`."""

    paths: tuple[str, ...]
    everything: bool
    reason: str


def _asked(manifest: Manifest) -> Iterable[tuple[str, str]]:
    return (*manifest.dependencies.items(), *manifest.dev_dependencies.items())


def install_inputs(project: Project) -> InstallInputs:
    """What the install needs of the project's files."""
    space = project.workspace
    members = {member.manifest.name for member in space.members} if space else set()
    manifests = [project.manifest, *(member.manifest for member in (built_for_app(space) if space else ()))]
    specs = {name: spec for item in manifests if item for name, spec in _asked(item) if name not in members}
    local = next((name for name, spec in sorted(specs.items()) if spec.startswith(("file:", "link:"))), None)
    if local:
        return InstallInputs((), True, f"the package {local} lies in the project itself")
    schema = (path for path in ("prisma", "schema.prisma") if exists(project.root, path))
    paths = list(schema) if _GENERATES in specs else []
    for line in project.lifecycle_scripts:
        name, _, script = line.partition(": ")
        for raw in commands(script) or ((script,),):
            words = split_assignments(raw)[1]
            words = words[1:] if words and words[0] in ("npx", "exec") else words
            program = words[0].rpartition("/")[2] if words else "true"
            folder = _NEEDS_FOLDER.get(program)
            if folder and is_folder(project.root, folder):
                paths.append(folder)
            elif program == "node" and len(words) > 1 and words[1] in ("-e", "--eval"):
                if re.search(r"require\(['\"]\.|import\(['\"]\.", script):
                    return InstallInputs((), True, f"its script {name} loads a file of the project")
            elif program not in _NEEDS_NOTHING or (folder and exists(project.root, folder)):
                return InstallInputs((), True, f"its script {name} (`{script[:60]}`) may need any of the sources")
    return InstallInputs(tuple(dict.fromkeys(paths)), False, "")
