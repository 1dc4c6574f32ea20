"""Options of the conformance tests; where there is no corpus there are no such tests."""

import pytest

from tests.corpus.passing import corpus_folder

collect_ignore_glob = [] if corpus_folder() else ["test_*.py"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-passing", action="store_true", help="rewrite the passing lists")


@pytest.fixture
def update_passing(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-passing", default=False))
