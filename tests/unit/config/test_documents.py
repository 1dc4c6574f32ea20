"""Documents of a file, and the resources in them."""

import json

import pytest

from lateen.config.documents import Document, documents, read

ROUTE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: {name}
spec:
  hosts: [{name}]
  http:
  - route: [{{destination: {{host: {name}}}}}]
"""


def one(text: str, *, strict: bool = False) -> Document:
    (document,) = documents(text, "a.yaml", strict=strict)
    return document


def codes(document: Document) -> list[str]:
    return [problem.code for problem in document.problems]


def test_a_bad_document_is_left_out_and_the_others_live() -> None:
    text = "---\n".join([ROUTE.format(name="a"), "kind: [\n", ROUTE.format(name="b")])

    reading = read(text, "mesh.yaml")

    assert [resource.name for resource in reading.resources] == ["a", "b"]
    assert [str(problem) for problem in reading.problems] == [
        "mesh.yaml:11:1: not valid YAML: did not find expected node content "
        "while parsing a flow node"
    ]


def test_a_resource_knows_its_file_and_line() -> None:
    reading = read("# about\n---\n\n# more\n" + ROUTE.format(name="a"), "a.yaml")
    assert str(reading.resources[0].origin) == "a.yaml:5"


def test_a_list_is_its_items() -> None:
    item = "- apiVersion: v1\n  kind: Service\n  metadata: {name: %s}\n  spec: {ports: %s}\n"
    text = "apiVersion: v1\nkind: List\nitems:\n" + item % ("a", "[]") + item % ("b", "{}")

    found = list(documents(text, "a.yaml"))

    assert [document.name for document in found] == ["a", "b"]
    assert [document.line for document in found] == [4, 8]
    problem = found[1].problems[0]
    assert (problem.path, problem.line, problem.column) == ("spec.ports", 11, 10)


def test_json_is_read_and_located() -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": 3})
    document = one(text, strict=True)
    assert document.problems[0].path == "spec"
    assert document.problems[0].column > 60


def test_namespaces_are_filled_in_where_they_belong() -> None:
    assert read(ROUTE.format(name="a")).resources[0].namespace == "default"
    assert read(ROUTE.format(name="a"), namespace="shop").resources[0].namespace == "shop"
    text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, namespace: odd}\n"
    assert read(text).resources[0].namespace == ""


def test_an_unknown_field_is_a_warning_when_read_and_an_error_when_asked() -> None:
    text = ROUTE.format(name="a") + "    timeuot: 5s\n"

    lenient, strict = one(text), one(text, strict=True)

    assert lenient.is_valid
    assert lenient.resource is not None
    assert codes(lenient) == codes(strict) == ["unknown-field"]
    assert not strict.is_valid
    assert strict.problems[0].hint == 'did you mean "timeout"?'
    assert (strict.problems[0].line, strict.problems[0].column) == (9, 5)


def test_unknown_fields_of_kubernetes_are_nobodys_mistake() -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, managedFields: []}\nspec: {tolerations: []}"
    )
    assert one(text, strict=True).problems == []


def test_all_mistakes_are_told_not_the_first() -> None:
    text = (
        ROUTE.format(name="a") + "    timeout: 5\n    retries: {attempts: many}\n  gateways: gw\n"
    )
    paths = [problem.path for problem in one(text).problems]
    assert paths == ["spec.http[0].timeout", "spec.http[0].retries.attempts", "spec.gateways"]


def test_a_kind_that_no_mesh_reads_is_skipped() -> None:
    text = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a}\n"
    document = one(text, strict=True)
    assert (document.resource, document.problems) == (None, [])


def test_a_misspelt_kind_or_group_is_told_with_the_right_one() -> None:
    assert one(ROUTE.replace("VirtualService", "VirtualServce").format(name="a")).problems[
        0
    ].hint == ('did you mean "VirtualService"?')
    wrong_group = ROUTE.replace("networking.istio.io", "security.istio.io").format(name="a")
    assert one(wrong_group).problems[0].hint == "VirtualService is in networking.istio.io/v1"
    wrong_version = ROUTE.replace("istio.io/v1", "istio.io/v2").format(name="a")
    assert codes(one(wrong_version)) == ["unknown-version"]


def test_what_is_no_object_is_told() -> None:
    assert codes(one("a: 1")) == ["no-kind"]
    assert codes(one("just text")) == ["not-an-object"]
    assert codes(one("apiVersion: v1\nkind: Service\nmetadata: {}\n")) == ["no-name"]


def test_a_status_that_is_an_input_is_typed() -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
        "status: {podIP: 10.0.0.1, phase: Running, podIPs: [{ip: 10.0.0.1}]}\n"
    )
    pod = read(text).resources[0]
    assert pod.status.pod_ip == "10.0.0.1"
    assert pod.status.pod_ips[0].ip == "10.0.0.1"


def test_kinds_without_a_spec_hold_their_own_fields() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {mesh: 'x: 1'}\n"
    assert read(text).resources[0].spec.data == {"mesh": "x: 1"}
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {k: aGk=}\ntype: Opaque\n"
    assert read(secret).resources[0].spec.data == {"k": b"hi"}


def test_a_mesh_configuration_is_whole_and_what_is_written_counts() -> None:
    (mesh,) = read("kind: MeshConfig\nenableTracing: false\ntrustDomain: td\n").resources
    assert (mesh.spec.enable_tracing, mesh.spec.trust_domain) == (False, "td")
    assert mesh.spec.proxy_listen_port == 15001


@pytest.mark.parametrize("name", ["../x", "a/b", "a\\nb", "a\\0b", "-a", "a" * 254, "a b", "é"])
def test_a_name_that_could_be_taken_for_something_else_is_refused(name: str) -> None:
    reading = read(f'apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: "{name}"}}\n', "a.yaml")
    assert not reading.resources
    assert [problem.code for problem in reading.problems] == ["bad-name"]
