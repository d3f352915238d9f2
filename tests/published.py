"""Schemas as others publish them, taken from a package registry when a test asks."""

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest


def from_npm(package: str, path: str, folder: Path) -> bytes:
    """A file of a package, `name@version`; skips the test where there is no npm or no registry to be had."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    packed = subprocess.run(
        [npm, "pack", "--silent", package], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    if packed.returncode != 0:
        pytest.skip(f"no npm registry in reach: {packed.stderr.strip()[-200:]}")
    with tarfile.open(folder / packed.stdout.strip().splitlines()[-1]) as archive:
        member = archive.extractfile(f"package/{path}")
        assert member is not None
        return member.read()
