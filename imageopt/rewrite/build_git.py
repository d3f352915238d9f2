"""A project -> whether its build asks git, which must then be there with the history.

Most often no script says so: `execSync('git rev-parse HEAD')` stands in a configuration of the bundler, or in a file
that a script starts, and a package for it may hide even that.
"""

import re

from imageopt.project.files import SOURCE_SUFFIXES, read_text
from imageopt.project.model import Project
from imageopt.project.scripts import reachable_commands

USUAL_SCRIPTS = ("build", "prebuild", "postbuild", "prepare", "postinstall", "preinstall", "install", "start")
"""The scripts that an installation, a build or the start of a container runs."""

_CALLS_GIT = re.compile(r"""['"`]git(?:\s|['"`])""")
_ASKS_GIT = {
    "git-describe", "git-last-commit", "git-rev-sync", "git-revision-webpack-plugin", "next-build-id", "simple-git",
    "vite-plugin-git-revision", "vite-plugin-git-version",
}  # fmt: skip


def asks_git(project: Project) -> bool:
    """Whether a build command, a file that it runs, its configuration or a package of it calls git."""
    manifest = project.manifest
    scripts = manifest.scripts if manifest else {}
    files = [path for path in project.build_inputs if path.endswith(SOURCE_SUFFIXES)]
    for name in USUAL_SCRIPTS:
        for words in reachable_commands(f"npm run {name}", scripts) if name in scripts else ():
            if words[0] == "git" or any("git" in word.split() for word in words):
                return True
            files += [word.removeprefix("./") for word in words[1:] if word.endswith(SOURCE_SUFFIXES)]
    if manifest and not _ASKS_GIT.isdisjoint({*manifest.dependencies, *manifest.dev_dependencies}):
        return True
    return any(_CALLS_GIT.search(read_text(project.root, path) or "") for path in dict.fromkeys(files))
