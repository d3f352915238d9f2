"""An Nx workspace -> why its own pruning is not written into the Dockerfile, as exactly as the files tell.

`nx prune` is no command but a target that each app must define, and what it writes rests on a graph that Nx's plugins
compute while they run: no file says which packages it finds, so none of this can be told before it was built and run.
"""

from imageopt.project.app import app_of
from imageopt.project.jsonc import object_of, read_object
from imageopt.project.native_packages import version_of
from imageopt.rewrite.asked.model import Asked, Change, Site

_PRUNES = (21, 3)  # the first release of @nx/js with both prune-lockfile and copy-workspace-modules
_TARGETS = ("prune", "prune-lockfile")


def _make(site: Site) -> Change | str:
    workspace, lock = site.project.workspace, site.project.lock
    locked = {one.name: one.version for one in lock.packages} if lock else {}
    if workspace is None or "nx" not in workspace.tools or "nx" not in locked:
        return "the project is no workspace that nx of its lock file runs"
    if site.project.package_manager == "bun":
        return "nx writes no lock file of Bun for what it prunes"
    if version_of(locked["nx"]) < _PRUNES:
        return (
            f"nx {locked['nx']} prunes only as an option of the app's bundler (generatePackageJson), "
            "which is the build's to set"
        )
    app = app_of(workspace)
    if app is None:
        return "which app of the workspace the Dockerfile builds is not known"
    defined = next((path for path in _definitions(app.folder) if _defines(site, path)), None)
    if defined is None:
        return (
            f"{app.folder} defines no target prune (@nx/js:prune-lockfile and @nx/js:copy-workspace-modules): "
            "define one, and try it"
        )
    return (
        f"{defined} defines how it is pruned; which packages are left is computed by nx's plugins while they run "
        f"(nrwl/nx#36672), so try `nx prune {app.manifest.name or app.folder}` and let `imageopt verify` compare"
    )


def _definitions(folder: str) -> tuple[str, ...]:
    return (f"{folder}/project.json", f"{folder}/package.json", "nx.json")


def _defines(site: Site, path: str) -> bool:
    """Whether a file of the app, or the defaults of all, name a target that prunes."""
    data = read_object(site.project.root, path, comments=True) or {}
    held = object_of(object_of(data.get("nx")).get("targets")) if path.endswith("package.json") else data
    targets = held if path.endswith("package.json") else object_of(held.get("targets") or held.get("targetDefaults"))
    return any(name in targets for name in _TARGETS)


NX_PRUNE = Asked("nx-prune", "of an Nx workspace only what nx prune leaves for the app", _make)
