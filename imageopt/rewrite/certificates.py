"""The certificates that a Dockerfile adds to those that the system trusts: both stages are given them.

What installs needs them as well as what runs. A smaller image lacks the program that adds them, so its package comes
first. On Debian that is fetched without TLS; apk asks https, which may be what the certificate is for.
"""

import re

from imageopt.dockerfile.model import Instruction
from imageopt.dockerfile.mounts import mounts_of
from imageopt.rewrite.surveyed import Survey

PACKAGE = "ca-certificates"
_NAMED = re.compile(r"\.(?:crt|cer|pem)\b|certs?\b|ca-certificates")


def brings_certificates(instruction: Instruction) -> bool:
    """Whether a COPY or ADD brings a certificate, by its names."""
    return _NAMED.search(instruction.arguments) is not None


def has_certificates(found: Survey, run: Instruction) -> bool:
    """Whether there are any of its own for a RUN that updates what the system trusts: copied, or mounted there."""
    return any(map(brings_certificates, found.outside)) or any(_NAMED.search(mount.target) for mount in mounts_of(run))


def lacks_updater(kind: str) -> bool:
    """Whether an image of this kind is without `update-ca-certificates`."""
    return kind in ("slim", "alpine")
