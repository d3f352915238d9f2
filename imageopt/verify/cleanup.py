"""What runs left in the engine and among the temporary folders -> gone; that of living runs stays."""

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from imageopt.build.cleaning import LABEL
from imageopt.build.temporary import left_by_dead_runs, lives, remove_tree

if TYPE_CHECKING:
    import docker


def remove_labelled(client: "docker.DockerClient", wanted: Callable[[str], bool]) -> tuple[str, ...]:
    """Removes the containers, images, networks and volumes whose run id is wanted; returns what was removed, sorted."""
    from docker.errors import APIError

    removed = []
    for container in client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True):
        if wanted(container.labels.get(LABEL, "")):
            with contextlib.suppress(APIError):
                container.remove(force=True, v=True)
                removed.append(f"container {container.name}")
    for kind, made in (("network", client.networks), ("volume", client.volumes)):
        for item in made.list(filters={"label": LABEL}):
            if wanted((item.attrs.get("Labels") or {}).get(LABEL, "")):
                with contextlib.suppress(APIError):
                    item.remove()
                    removed.append(f"{kind} {item.name}")
    for image in client.images.list(all=False, filters={"label": LABEL}):
        if wanted(image.labels.get(LABEL, "")):
            for name in image.tags or [str(image.id)]:
                with contextlib.suppress(APIError):
                    client.images.remove(name, force=True)
                    removed.append(f"image {name}")
    return tuple(sorted(removed))


def remove_leftovers(client: "docker.DockerClient") -> tuple[str, ...]:
    """Removes what runs that no longer live have left: `container NAME`, `folder PATH`, `image NAME`, sorted."""
    removed = list(remove_labelled(client, lambda run_id: not is_of_living_run(run_id)))
    for folder in left_by_dead_runs():
        remove_tree(folder)
        removed.append(f"folder {folder}")
    return tuple(sorted(removed))


def is_of_living_run(run_id: str) -> bool:
    """Whether the process that a run id names still lives."""
    number = run_id.partition("-")[0]
    return number.isdecimal() and lives(int(number))
