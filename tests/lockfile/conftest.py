"""Projects without or with a lock file, written in a few words."""

from pathlib import Path

import pytest
from lockfile.tiny import Write, tiny


@pytest.fixture
def project(tmp_path: Path) -> Write:
    """Writes a package.json of these fields and the other files, and reads the project."""
    return tiny(tmp_path / "project")
