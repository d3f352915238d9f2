"""What runs left in the engine and among the temporary folders -> gone; that of living runs stays."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from imageopt.build.cleaning import LABEL, is_from_here
from imageopt.build.temporary import left_by_dead_runs, lives, remove_tree
from imageopt.source.engine import listed

if TYPE_CHECKING:
    import docker

_PAUSES = (0, 0, 0.2, 0.5, 1.0, 2.0)  # seconds before each try; the second sees that the first was enough


def remove_labelled(client: "docker.DockerClient", wanted: Callable[[str], bool]) -> tuple[str, ...]:
    """Removes the containers, images, networks and volumes whose run id is wanted; returns what was removed, sorted.

    The engine's plain lists are asked for: docker-py's own ask for each item again, and one that another run has just
    removed would end the work.
    """
    from docker.errors import APIError

    api, named = client.api, {"label": LABEL}
    removed = []
    for container in listed(api.containers(all=True, filters=named)):
        if wanted(_run_of(container)):
            with contextlib.suppress(APIError):
                api.remove_container(container["Id"], force=True, v=True)
                removed.append(f"container {container['Names'][0].removeprefix('/')}")
    for kind, found, remove in (
        ("network", listed(api.networks(filters=named)), api.remove_network),
        ("volume", listed(api.volumes(filters=named)["Volumes"] or []), api.remove_volume),
    ):
        for item in found:
            if wanted(_run_of(item)):
                with contextlib.suppress(APIError):
                    remove(item["Name"])
                    removed.append(f"{kind} {item['Name']}")
    return tuple(sorted((*removed, *_removed_images(client, wanted))))


def _removed_images(client: "docker.DockerClient", wanted: Callable[[str], bool]) -> Iterator[str]:
    """The names of images that were removed; one that a container on its way out still holds is tried again."""
    from docker.errors import APIError

    for pause in _PAUSES:
        time.sleep(pause)
        left = [image for image in listed(client.api.images(filters={"label": LABEL})) if wanted(_run_of(image))]
        if not left:
            return
        for name in (name for image in left for name in image["RepoTags"] or [image["Id"]]):
            with contextlib.suppress(APIError):
                client.api.remove_image(name, force=True)
                yield f"image {name}"


def _run_of(item: Mapping[str, Any]) -> str:
    return str((item.get("Labels") or {}).get(LABEL, ""))


def remove_leftovers(client: "docker.DockerClient") -> tuple[str, ...]:
    """Removes what runs that no longer live have left: `container NAME`, `folder PATH`, `image NAME`, sorted."""
    removed = list(remove_labelled(client, lambda run_id: not is_of_living_run(run_id)))
    for folder in left_by_dead_runs():
        remove_tree(folder)
        removed.append(f"folder {folder}")
    return tuple(sorted(removed))


def is_of_dead_run_here(run_id: str) -> bool:
    """Whether the run is known to be over: of one that was started elsewhere, with the same engine, nobody knows."""
    return is_from_here(run_id) and not is_of_living_run(run_id)


def is_of_living_run(run_id: str) -> bool:
    """Whether the process that a run id names still lives."""
    number = run_id.partition("-")[0]
    return number.isdecimal() and lives(int(number))
