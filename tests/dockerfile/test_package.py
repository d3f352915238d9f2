"""What importing the package costs and offers."""

import subprocess
import sys

import pytest

import imageopt.dockerfile


def test_parse_is_the_public_name() -> None:
    assert imageopt.dockerfile.parse(b"FROM a\n").render() == b"FROM a\n"
    assert imageopt.dockerfile.__all__ == ["parse"]


def test_there_is_nothing_else() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        imageopt.dockerfile.nothing  # noqa: B018


def test_the_types_do_not_load_the_parser() -> None:
    code = "import sys, imageopt.dockerfile.model; print('imageopt.dockerfile.parser' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "False"
