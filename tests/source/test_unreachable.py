"""An engine that does not answer: for each reason one line of cause, and what to do about that one."""

import docker.errors
import pytest

from imageopt.errors import ImageoptError, ToolFailed, ToolMissing
from imageopt.source.address import EngineAddress
from imageopt.source.unreachable import podman_by_ssh, unreachable

SOCKET = "unix:///var/run/docker.sock"
REASONS: list[tuple[str, str, type[ImageoptError], str, str]] = [
    (SOCKET, "PermissionError(13, 'Permission denied')", ToolFailed, "may not be used", "docker group, or run as root"),
    ("unix:///run/podman/podman.sock", "Permission denied", ToolFailed, "may not be used", "--user start podman"),
    (SOCKET, "FileNotFoundError(2, 'No such file')", ToolMissing, "is not there", "correct DOCKER_HOST"),
    (SOCKET, "ConnectionRefusedError(111, 'Connection refused')", ToolMissing, "is down", "systemctl start docker"),
    (
        "tcp://far:2375",
        "Client sent an HTTP request to an HTTPS server.",
        ToolFailed,
        "wants TLS",
        "DOCKER_TLS_VERIFY=1",
    ),
    ("tcp://far:2376", "[SSL: CERTIFICATE_VERIFY_FAILED]", ToolFailed, "nobody vouches for", "DOCKER_CERT_PATH"),
    ("tcp://far:2375", "Failed to resolve 'far'", ToolFailed, "nobody knows its name", "correct DOCKER_HOST"),
    ("tcp://far:2375", "Read timed\n out.", ToolFailed, "cannot be reached: Read timed out", "see that it runs"),
    ("ssh://me@far", "Install paramiko package", ToolMissing, "support for ssh", "pip install 'imageopt[ssh]'"),
    ("ssh://me@far", "No such file or directory: 'ssh'", ToolMissing, "the program ssh", "install openssh-client"),
    ("ssh://me@far", "RemoteDisconnected()", ToolFailed, "cannot be reached", "`ssh me@far docker version` works"),
]


@pytest.mark.parametrize(("host", "words", "kind", "cause", "remedy"), REASONS)
def test_each_reason_has_its_own_remedy(
    host: str, words: str, kind: type[ImageoptError], cause: str, remedy: str
) -> None:
    error = unreachable(EngineAddress(host, "DOCKER_HOST"), docker.errors.DockerException(words))
    assert isinstance(error, kind)
    assert cause in error.cause
    assert remedy in error.remedy
    assert error.exit_code == 3


def test_the_remedy_names_the_variable_that_led_there() -> None:
    error = unreachable(EngineAddress(SOCKET, "CONTAINER_HOST"), FileNotFoundError("No such file"))
    assert error.remedy == "start it, or correct CONTAINER_HOST"


def test_podman_behind_ssh_is_reached_by_forwarding_its_own_socket() -> None:
    error = podman_by_ssh(EngineAddress("ssh://me@far:2222/run/user/7/podman/podman.sock", "CONTAINER_HOST"))
    assert error.remedy.endswith("ssh -nNT -L ./podman.sock:/run/user/7/podman/podman.sock me@far:2222")
    assert "/run/podman/podman.sock" in podman_by_ssh(EngineAddress("ssh://far", "CONTAINER_HOST")).remedy
