"""A network for one container and its companions: they reach each other, this machine reaches them, and no one else.

A bridge of its own without masquerading: what leaves it carries an address that nobody answers to. The name server
inside is pointed at the container itself, because the engine would ask the outside on the container's behalf. What the
machine itself listens on for all of its addresses stays in reach, as from any bridge.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imageopt.errors import ToolFailed
from imageopt.source.engine import engine_address

if TYPE_CHECKING:
    import docker

NO_NAME_SERVER = "127.0.0.1"
_OPTIONS = {"com.docker.network.bridge.enable_ip_masquerade": "false"}


def create_network(client: "docker.DockerClient", name: str, labels: Mapping[str, str]) -> str:
    """Makes the network and returns its name. Raises ToolFailed where the engine refuses."""
    from docker.errors import APIError

    try:
        client.networks.create(name, driver="bridge", options=_OPTIONS, labels=dict(labels))
    except APIError as error:
        remedy = "remove networks that nothing uses with `docker network prune`"
        raise ToolFailed(f"the engine refused a network: {error.explanation}", remedy) from None
    return name


def remove_network(client: "docker.DockerClient", name: str) -> None:
    """Removes the network of that name, if there is one; the containers in it must be gone."""
    from docker.errors import NotFound

    try:
        client.networks.get(name).remove()
    except NotFound:
        return


def engine_host() -> tuple[str, str]:
    """The host on which published ports are reached, and the address there to publish on.

    An engine on another host (a `docker:dind` service) has to publish on all of its addresses to be reached.
    """
    address = urlsplit(engine_address().host)
    host = address.hostname if address.scheme in ("tcp", "http", "https") else None
    if host is None or host in ("localhost", "127.0.0.1", "::1"):
        return "127.0.0.1", "127.0.0.1"
    return host, ""
