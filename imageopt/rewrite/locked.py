"""Whether the lock file may decide what a rewritten Dockerfile installs, and what helps where it may not."""

from collections.abc import Mapping

from imageopt.project.model import PackageManager, Project

_DRIFTED_NAMED = 5
_MAKE_LOCK: Mapping[PackageManager, str] = {
    "npm": "run `npm install --package-lock-only`",
    "pnpm": "run `pnpm install --lockfile-only`",
    "yarn": "run `yarn install`",
    "bun": "run `bun install`",
}


def lock_obstacle(project: Project) -> str | None:
    """Why the lock file cannot be held to, with the remedy; None where it fits package.json."""
    lock = project.lock
    if lock is None or lock.state == "missing":
        return f"there is no lock file: {_remedy(project.package_manager or 'npm')}"
    if lock.state == "drifted":
        names = ", ".join(lock.drifted[:_DRIFTED_NAMED]) + (", …" if len(lock.drifted) > _DRIFTED_NAMED else "")
        others = f"; all that do not fit: {names}" if len(lock.drifted) > 1 else ""
        return f"{lock.path} does not fit package.json ({lock.reason}{others}): {_remedy(lock.manager)}"
    return lock.reason if lock.state == "unknown" else None


def _remedy(manager: PackageManager) -> str:
    made_here = "" if manager == "bun" else "add --lockfile, or "
    return f"{made_here}{_MAKE_LOCK[manager]} and commit it"
