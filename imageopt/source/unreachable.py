"""Why an engine cannot be reached, in one line, and what to do about it: the client's own words are about sockets."""

from imageopt.errors import ImageoptError, ToolFailed, ToolMissing
from imageopt.source.address import EngineAddress

_LONGEST = 200  # letters


def unreachable(address: EngineAddress, error: Exception) -> ImageoptError:
    """The error for an engine that did not answer, by what the client, or the system, said of it."""
    text = str(error)
    place = f"the engine at {address.host} ({address.found_by})"
    variable = address.found_by if address.found_by.isupper() else "DOCKER_HOST"
    if address.host.startswith("ssh://"):
        return _by_ssh(address, place, text)
    if "Permission denied" in text or "PermissionError" in text:
        own = "start your own with `systemctl --user start podman.socket`"
        remedy = own if "podman" in address.host else "add the user to the docker group"
        return ToolFailed(f"{place} may not be used by this user", f"{remedy}, or run as root")
    if "No such file" in text or "FileNotFoundError" in text:
        return ToolMissing(f"{place} is not there", f"start it, or correct {variable}")
    if "refused" in text:
        return ToolMissing(
            f"{place} does not answer: it is down", "start it, for example with `systemctl start docker`"
        )
    if "HTTP request to an HTTPS server" in text:
        return ToolFailed(f"{place} wants TLS", "set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to its certificates")
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return ToolFailed(f"{place} has a certificate that nobody vouches for", "put its ca.pem into DOCKER_CERT_PATH")
    if "resolve" in text or "Name or service not known" in text:
        return ToolFailed(f"{place} cannot be found: nobody knows its name", f"correct {variable}")
    return ToolFailed(f"{place} cannot be reached: {short(error)}", f"see that it runs and that {variable} is right")


def podman_by_ssh(address: EngineAddress) -> ImageoptError:
    """The error for a Podman behind ssh: the client would call the `docker` of that machine."""
    target, _, path = address.host.removeprefix("ssh://").partition("/")
    socket = f"/{path}" if path else "/run/podman/podman.sock"
    return ToolFailed(
        f"Podman at {address.host} ({address.found_by}) can only be spoken to by socket",
        f"forward it, and name ./podman.sock instead: ssh -nNT -L ./podman.sock:{socket} {target}",
    )


def short(error: Exception) -> str:
    """The error's words in one line that is no longer than two: the engine's own, where it had any."""
    text = " ".join(str(getattr(error, "explanation", None) or error).split())
    return text if len(text) <= _LONGEST else f"{text[:50]} … {text[53 - _LONGEST :]}"  # the reason stands at its end


def _by_ssh(address: EngineAddress, place: str, text: str) -> ImageoptError:
    target = address.host.removeprefix("ssh://").partition("/")[0]
    forward = f"forward its socket: ssh -nNT -L ./docker.sock:/var/run/docker.sock {target}"
    if "paramiko" in text:
        return ToolMissing(f"{place} needs Python's support for ssh", f"pip install 'imageopt[ssh]', or {forward}")
    if "No such file" in text:
        return ToolMissing(f"{place} needs the program ssh, which is not there", "install openssh-client")
    return ToolFailed(f"{place} cannot be reached", f"see that `ssh {target} docker version` works, or {forward}")
