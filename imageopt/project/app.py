"""The member of a workspace that a Dockerfile builds: which others are built for it, and which of them run with it.

A development dependency on another member (shared settings, a code generator) is built for the app and does not run
with it. Members come dependencies first, the app last, so that they can be built in that order.
"""

from imageopt.dockerfile.model import Dockerfile
from imageopt.project.model import Manifest, Member, Project, Workspace


def app_of(workspace: Workspace | None) -> Member | None:
    """The member that the Dockerfile builds; None without a workspace, or where nothing says which it is."""
    if workspace is None or workspace.app is None:
        return None
    return next((member for member in workspace.members if member.folder == workspace.app.value), None)


def built_for_app(workspace: Workspace) -> tuple[Member, ...]:
    """The app after all members that it needs, dependencies first; nothing without an app."""
    app = app_of(workspace)
    return _ordered(workspace, {app.folder, *app.needs}) if app else ()


def run_with_app(workspace: Workspace) -> tuple[Member, ...]:
    """The app after the members that production dependencies lead to, dependencies first; nothing without an app."""
    app = app_of(workspace)
    if app is None:
        return ()
    names = {member.manifest.name or member.folder: member for member in workspace.members}
    found, waiting = {app.folder}, [app]
    while waiting:
        for name in waiting.pop().manifest.dependencies:
            other = names.get(name)
            if other is not None and other.folder not in found:
                found.add(other.folder)
                waiting.append(other)
    return _ordered(workspace, found)


def app_manifest(project: Project) -> Manifest | None:
    """package.json of what the Dockerfile builds: of the workspace's app, else of the project itself."""
    app = app_of(project.workspace)
    return app.manifest if app else project.manifest


def running_folder(workspace: Workspace | None, dockerfile: Dockerfile | None) -> str:
    """The member's folder that the last stage ends in, by its last WORKDIR; "" for the root, and where it is none."""
    stages = dockerfile.stages if dockerfile else ()
    folders = (
        [item.arguments.strip() for item in stages[-1].instructions if item.keyword == "WORKDIR"] if stages else []
    )
    path = "/".join(folders).rstrip("/").replace("/./", "/")
    return member_at(path, workspace.members) if workspace else ""


def member_at(path: str, members: tuple[Member, ...]) -> str:
    """The folder of the member that a path of an image ends with; "" for none."""
    # /app is no member called `app`: there is no root left above it
    found = (member.folder for member in members if path.endswith(f"/{member.folder}") and path != f"/{member.folder}")
    return max(found, key=len, default="")


def _ordered(workspace: Workspace, folders: set[str]) -> tuple[Member, ...]:
    """What a member needs has fewer needs itself; members in a circle come by their folder."""
    chosen = [member for member in workspace.members if member.folder in folders]
    return tuple(sorted(chosen, key=lambda member: (len(member.needs), member.folder)))
