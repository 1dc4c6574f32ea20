"""Any of the corpus's documents together: the real Envoy accepts what they make of every proxy.

The gate draws a few dozen sets; for a long run

    python -m pytest -m soak tests/properties/test_acceptance.py
"""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lateen.api.resource import Change
from lateen.envoy import types
from lateen.simulate.configuration import Configuration, configuration
from lateen.view.conflicts import conflicts
from lateen.view.mesh import Mesh
from tests.envoy_batch import Batch
from tests.properties import corpus_documents

SOAK_EXAMPLES = int(os.environ.get("LATEEN_SOAK_EXAMPLES", "2000"))
SOAK_SECONDS = 3600
quick = settings(
    max_examples=40, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
)

pytestmark = pytest.mark.envoy


def assert_accepted(data: st.DataObject) -> None:
    documents = data.draw(corpus_documents.subsets())
    proxies = data.draw(corpus_documents.proxies_of(documents))
    mesh = Mesh()
    mesh.apply(Change(each.key, each) for each in documents)
    batch = Batch()
    for described in proxies:
        batch.add(str(described), configuration(mesh, described.proxy_class(mesh)))
    assert batch.rejections() == {}
    assert all(problem.file and problem.line for problem in conflicts(mesh))


@quick
@given(st.data())
def test_no_set_of_documents_makes_what_envoy_rejects(data: st.DataObject) -> None:
    assert_accepted(data)


@pytest.mark.soak
@pytest.mark.timeout(SOAK_SECONDS)
@settings(quick, max_examples=SOAK_EXAMPLES)
@given(st.data())
def test_no_set_of_very_many_makes_what_envoy_rejects(data: st.DataObject) -> None:
    assert_accepted(data)


def test_what_envoy_rejects_is_told_by_proxy() -> None:
    """What the law above rests on: faults are found, and among many proxies the right one."""
    batch = Batch()
    for number in range(5):
        cluster = types.Cluster(name="c", type="EDS" if number == 3 else "STATIC")
        cluster.connect_timeout.seconds = number + 1
        batch.add(f"proxy {number}", Configuration(clusters=(cluster,)))

    found = batch.rejections()

    assert list(found) == ["proxy 3"]


def test_two_listeners_of_one_address_are_rejected_of_one_proxy_and_not_of_two() -> None:
    def listener(name: str) -> types.Listener:
        made = types.Listener(name=name)
        made.address.socket_address.address = "127.0.0.1"
        made.address.socket_address.port_value = 80
        made.filter_chains.add()
        return made

    batch = Batch()
    batch.add("first", Configuration(listeners=(listener("a"),)))
    batch.add("second", Configuration(listeners=(listener("b"),)))
    batch.add("third", Configuration(listeners=(listener("c"), listener("d"))))

    assert list(batch.rejections()) == ["third"]
