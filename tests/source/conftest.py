"""What the tests of sources share: a user's surroundings in which no engine is named, and none listens."""

from pathlib import Path

import pytest

from imageopt.source import address


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A home without a context, and no socket anywhere."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "CONTAINER_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(address, "_usual_sockets", lambda: iter(()))
    monkeypatch.setattr(address, "_podman_sockets", lambda: iter(()))
    return monkeypatch
