"""Fixtures of the tests against independent servers."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder with a path short enough for unix sockets."""
    with tempfile.TemporaryDirectory(prefix="lat-") as path:
        yield Path(path)
