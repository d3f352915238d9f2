"""What runs left in the engine and among the temporary folders -> gone; that of living runs stays."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from imageopt.build.cleaning import LABEL
from imageopt.build.temporary import left_by_dead_runs, lives, remove_tree

if TYPE_CHECKING:
    import docker

_PAUSES = (0, 0, 0.2, 0.5, 1.0, 2.0)  # seconds before each try; the second sees that the first was enough


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
    return tuple(sorted((*removed, *_removed_images(client, wanted))))


def _removed_images(client: "docker.DockerClient", wanted: Callable[[str], bool]) -> Iterator[str]:
    """The names of images that were removed; one that a container on its way out still holds is tried again."""
    from docker.errors import APIError

    for pause in _PAUSES:
        time.sleep(pause)
        found = client.images.list(all=False, filters={"label": LABEL})
        left = [image for image in found if wanted(image.labels.get(LABEL, ""))]
        if not left:
            return
        for name in (name for image in left for name in image.tags or [str(image.id)]):
            with contextlib.suppress(APIError):
                client.images.remove(name, force=True)
                yield f"image {name}"


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
