"""Where the packages of Python and PHP lie, asked by path: which of them the service runs with."""

from imageopt.evidence import causes
from imageopt.evidence.paths import PathClass
from imageopt.image.model import Packages

_PYTHON = ("/site-packages/", "/dist-packages/")
_RECORD = "/composer/installed.json"
_PRODUCTION = PathClass("production-dependencies", None)
_DEVELOPMENT = PathClass("dev-dependencies", causes.COMPOSER_DEV)


class Libraries:
    """The language packages of one image."""

    def __init__(self, packages: Packages, captured: frozenset[str]) -> None:
        self._folders = {path.removesuffix(_RECORD): _PRODUCTION for path in captured if path.endswith(_RECORD)}
        self._elsewhere = frozenset(path for package in packages.libraries for path in package.elsewhere)
        for package in packages.libraries:
            if package.manager == "composer":
                self._folders[package.path] = _DEVELOPMENT if package.dev else _PRODUCTION
        self._known: dict[str, PathClass | None] = {}

    def find(self, path: str, folder: str) -> PathClass | None:
        """The class of a file in `folder` that belongs to a package; None for another file."""
        return self.in_folder(folder) or (_PRODUCTION if path in self._elsewhere else None)

    def in_folder(self, folder: str) -> PathClass | None:
        """The class of the files in a package's folder; None for another folder."""
        if folder not in self._known:
            self._known[folder] = self._decide(folder)
        return self._known[folder]

    def _decide(self, folder: str) -> PathClass | None:
        inside = f"/{folder}/"
        if any(name in inside for name in _PYTHON):
            return _PRODUCTION
        at = folder if self._folders else ""
        while at:
            if at in self._folders:
                return self._folders[at]
            at = at.rpartition("/")[0]
        return None
