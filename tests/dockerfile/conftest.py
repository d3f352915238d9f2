"""The marker of tests that ask an independent reader whether ours is right."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "oracle: compares with an independent implementation")
