"""A folder without a package manager -> StaticSite, where it holds pages and nothing that would have to run."""

from pathlib import Path

from imageopt.project.files import exists, top_names
from imageopt.project.model import StaticSite

_FOLDERS = (".", "public", "html", "www", "site", "web", "dist", "docs")
_RUNS = (".php", ".py", ".rb", ".go", ".jsp", ".cgi", ".pl", ".ts", ".csproj")
_MANAGED = ("package.json", "composer.json", "pyproject.toml", "requirements.txt", "Pipfile", "Gemfile", "go.mod",
            "pom.xml", "build.gradle", "Cargo.toml")  # fmt: skip


def read_static_site(root: Path) -> StaticSite | None:
    """The folder with index.html; None where something has to be built or to run."""
    if any(exists(root, name) for name in _MANAGED):
        return None
    folder = next((folder for folder in _FOLDERS if exists(root, f"{folder}/index.html")), None)
    if folder is None or any(name.endswith(_RUNS) for name in (*top_names(root), *top_names(root / folder))):
        return None
    return StaticSite(folder)
