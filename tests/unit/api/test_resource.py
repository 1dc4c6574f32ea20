"""Resources: identity, age, equality."""

from typing import Any

from lateen.api.kubernetes.config import Secret
from lateen.api.resource import Key, ObjectMeta, Resource
from lateen.api.virtual_service import VirtualService
from lateen.base.problem import Origin


def resource(name: str = "a", host: str = "x", line: int = 1, **meta: Any) -> Resource[Any]:
    return Resource(
        kind="VirtualService",
        api_version="networking.istio.io/v1",
        meta=ObjectMeta(name=name, namespace="default", **meta),
        spec=VirtualService(hosts=(host,)),
        origin=Origin("a.yaml", line),
    )


def test_equal_content_is_equal_wherever_it_was_written() -> None:
    assert resource(line=1) == resource(line=9)
    assert hash(resource(line=1)) == hash(resource(line=9))
    assert resource(host="x") != resource(host="y")
    assert resource(labels={"a": "b"}) != resource()


def test_a_key_shows_the_namespace_where_there_is_one() -> None:
    assert str(resource().key) == "VirtualService default/a"
    assert str(Key("Namespace", "", "shop")) == "Namespace shop"


def test_the_older_is_first_and_names_decide_between_files() -> None:
    young = resource("a", creation_timestamp="2024-01-02T00:00:00Z")
    old = resource("b", creation_timestamp="2024-01-01T00:00:00Z")
    assert sorted([young, old], key=lambda one: one.age) == [old, young]
    assert sorted([resource("b"), resource("a")], key=lambda one: one.age)[0].name == "a"


def test_a_secret_does_not_show_what_it_holds() -> None:
    assert "hunter2" not in repr(Secret(string_data={"password": "hunter2"}))
