"""Laws of reading: whatever a file holds, it is read or reported, and never raises."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from lateen.config.documents import documents
from lateen.config.examine import examine

SEEDS = [
    {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "a", "labels": {"x": "y"}},
        "spec": {
            "hosts": ["a"],
            "http": [
                {
                    "match": [{"uri": {"prefix": "/"}, "headers": {"x": {"exact": "y"}}}],
                    "route": [{"destination": {"host": "a", "port": {"number": 80}}, "weight": 1}],
                    "retries": {"attempts": 1, "perTryTimeout": "1s", "retryOn": "5xx"},
                    "corsPolicy": {"allowOrigins": [{"regex": ".*"}], "maxAge": "1h"},
                }
            ],
        },
    },
    {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "a"},
        "spec": {
            "host": "a",
            "trafficPolicy": {
                "loadBalancer": {"localityLbSetting": {"distribute": [{"from": "a", "to": {}}]}},
                "tls": {"mode": "MUTUAL"},
            },
            "subsets": [{"name": "v1", "labels": {"version": "v1"}}],
        },
    },
    {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "a"},
        "spec": {
            "action": "DENY",
            "rules": [
                {
                    "from": [{"source": {"ipBlocks": ["10.0.0.0/8"]}}],
                    "to": [{"operation": {"paths": ["/{*}"]}}],
                    "when": [{"key": "source.ip", "values": ["10.0.0.1"]}],
                }
            ],
        },
    },
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a"},
        "spec": {"containers": [{"ports": [{"containerPort": 80}], "env": [{"name": "A"}]}]},
        "status": {"podIP": "10.0.0.1"},
    },
    {"kind": "MeshConfig", "defaultConfig": {"tracing": {"zipkin": {"address": "a:1"}}}},
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])),
    st.sampled_from(["*", "a/b", "[", "%", "{*}", "-1s", "http://[", "::", "unix://", "@", "."]),
    st.just([None]),
    st.just({"": None}),
    st.just({"a": [{}]}),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    entries: Any = ()
    if isinstance(value, dict):
        entries = value.items()
    elif isinstance(value, list):
        entries = enumerate(value)
    for key, item in entries:
        yield (*path, key)
        yield from places(item, (*path, key))


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, Any]:
    """A sound document with something odd at one place."""
    document = copy.deepcopy(draw(st.sampled_from(SEEDS)))
    *way, last = draw(st.sampled_from(list(places(document))))
    holder: Any = document
    for key in way:
        holder = holder[key]
    holder[last] = draw(ODD)
    return document


@given(spoilt(), st.booleans())
def test_a_spoilt_document_is_read_or_reported(document: dict[str, Any], strict: bool) -> None:
    for text in (json.dumps(document), yaml.safe_dump(document, allow_unicode=True)):
        for found in examine(documents(text, "a.yaml", strict=strict)):
            assert found.resource is not None or found.problems or not found.key
            assert all(problem.line and problem.column for problem in found.problems)


@given(st.text())
def test_any_text_is_read_or_reported(text: str) -> None:
    for found in examine(documents(text, "a.yaml")):
        assert found.resource is not None or found.problems or found.kind
