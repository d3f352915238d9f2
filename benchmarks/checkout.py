"""The checkout that figures are made from, by its commit."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def commit(*paths: str) -> str:
    """The commit that is checked out, in seven digits, with a `+` where these paths, or any, differ from it."""
    head = ["git", "rev-parse", "--short=7", "HEAD"]
    named = subprocess.run(head, cwd=ROOT, capture_output=True, text=True, timeout=20, check=True)
    differs = ["git", "diff", "--quiet", "HEAD", "--", *paths]
    changed = subprocess.run(differs, cwd=ROOT, timeout=60, check=False).returncode != 0
    return named.stdout.strip() + "+" * changed
