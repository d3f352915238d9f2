"""A project -> whether its build asks git, which must then be there with the history.

Most often no script says so: `execSync('git rev-parse HEAD')` stands in a configuration of the bundler, or in a file
that a script starts, and a package for it may hide even that.
"""

import re

from imageopt.dockerfile.model import Dockerfile
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


_READS_HISTORY = re.compile(
    r"\bgit\s+(?:(?:-C|-c)\s+\S+\s+|--\S+\s+)*"
    r"(?:rev-parse|rev-list|describe|log|show|shortlog|name-rev|symbolic-ref|status|diff|branch|tag|ls-files|submodule)\b"
)
_PYTHON_VERSIONS = re.compile(  # what makes a package's version from the last tag
    r"\b(?:setuptools[_-]scm|versioneer|hatch-vcs|pbr|poetry-dynamic-versioning|versioningit|uv-dynamic-versioning)\b"
)


def reads_history(dockerfile: Dockerfile) -> bool:
    """Whether a RUN of the file itself asks git, which has no answer without `.git` in the build context."""
    runs = (item for item in dockerfile.instructions if item.keyword == "RUN")
    texts = (text for item in runs for text in (item.arguments, *(heredoc.body for heredoc in item.heredocs)))
    return any(_READS_HISTORY.search(text) for text in texts)


def asks_git(project: Project) -> bool:
    """Whether a build command, a file that it runs, its configuration or a package of it calls git."""
    described = (read_text(project.root, name) or "" for name in ("pyproject.toml", "setup.cfg", "setup.py"))
    if project.python is not None and any(map(_PYTHON_VERSIONS.search, described)):
        return True
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
