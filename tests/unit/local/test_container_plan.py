"""Containers as processes: commands, environment, references."""

import sys
from typing import Any

import msgspec
import pytest

from lateen.api.kubernetes.config import ConfigMap, Secret
from lateen.api.kubernetes.pod import Container, PodSpec, SecurityContext
from lateen.api.resource import ObjectMeta, Resource
from lateen.base.problem import Origin
from lateen.local.container_plan import (
    ContainerPlan,
    Deferred,
    FieldOfPod,
    References,
    container_plan,
    expand,
    resolved,
    security_context,
)
from lateen.local.process import Credentials
from lateen.local.settings import Image, Settings

META = ObjectMeta(
    name="cart-1", namespace="shop", labels={"app": "cart"}, annotations={"note": "yes"}
)


def planned(settings: Settings | None = None, **container: Any) -> ContainerPlan:
    made = msgspec.convert({"name": "main", "image": "cart:1", **container}, Container)
    spec = PodSpec(containers=(made,), service_account_name="cart")
    resource = Resource(
        kind="Pod", api_version="v1", meta=META, spec=spec, origin=Origin("cart.yaml", 7)
    )
    references = References(
        settings or Settings(),
        {("shop", "config"): ConfigMap(data={"level": "debug", "size": "9"})},
        {("shop", "secret"): Secret(data={"word": b"hidden"})},
    )
    return container_plan(made, META, spec, resource, references)


def environment(*variables: dict[str, Any], **container: Any) -> dict[str, str | FieldOfPod]:
    return dict(planned(command=["run"], env=list(variables), **container).environment)


def value_from(**source: Any) -> str | FieldOfPod:
    return environment({"name": "X", "valueFrom": source})["X"]


def test_command_and_arguments_are_joined() -> None:
    assert planned(command=["run"], args=["--fast"]).argv == ("run", "--fast")


def test_lateen_is_this_interpreters() -> None:
    argv = planned(command=["lateen", "echo"]).argv

    assert argv == (sys.executable, "-P", "-m", "lateen", "echo")


def test_variables_are_expanded_in_arguments_and_later_variables() -> None:
    plan = planned(
        command=["run"],
        args=["$(BOTH)", "$$(BOTH)", "$(UNKNOWN)"],
        env=[{"name": "ONE", "value": "1"}, {"name": "BOTH", "value": "$(ONE)2"}],
    )

    assert plan.argv == ("run", "12", "$(BOTH)", "$(UNKNOWN)")


def test_what_the_pods_address_decides_is_expanded_once_it_is_known() -> None:
    plan = planned(
        command=["run"],
        args=["--at=$(WHERE)", "$$(WHERE)"],
        env=[
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "WHERE", "value": "$(POD_IP):80"},
        ],
    )

    assert resolved(plan.environment, {"status.podIP": "198.18.0.9"}) == {
        "POD_IP": "198.18.0.9",
        "WHERE": "198.18.0.9:80",
    }
    assert plan.argv == ("run", Deferred("--at=$(WHERE)"), "$(WHERE)")


def test_doubled_dollar_is_one_dollar() -> None:
    assert expand("$$(A) $(A)", {"A": "x"}) == "$(A) x"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "cart-1"),
        ("metadata.namespace", "shop"),
        ("metadata.labels['app']", "cart"),
        ("metadata.annotations['note']", "yes"),
        ("spec.serviceAccountName", "cart"),
        ("status.podIP", FieldOfPod("status.podIP")),
    ],
)
def test_field_reference(path: str, value: str | FieldOfPod) -> None:
    assert value_from(fieldRef={"fieldPath": path}) == value


def test_unknown_field_is_a_problem_that_names_the_known_ones() -> None:
    variable = {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}}}
    plan = planned(command=["run"], env=[variable])

    assert "known are metadata.name" in plan.problems[0].message


def test_resource_reference_counts_in_divisors() -> None:
    found = environment(
        {
            "name": "X",
            "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}},
        },
        resources={"limits": {"memory": "64Mi"}},
    )

    assert found["X"] == "64"


def test_resource_reference_without_a_limit_is_the_machine() -> None:
    assert int(str(value_from(resourceFieldRef={"resource": "limits.cpu"}))) >= 1


def test_config_map_and_secret_keys() -> None:
    assert value_from(configMapKeyRef={"name": "config", "key": "level"}) == "debug"
    assert value_from(secretKeyRef={"name": "secret", "key": "word"}) == "hidden"


def test_missing_key_is_a_problem_with_place() -> None:
    variable = {"name": "X", "valueFrom": {"configMapKeyRef": {"name": "config", "key": "no"}}}
    problem = planned(command=["run"], env=[variable]).problems[0]

    assert "there is no key 'no' in ConfigMap shop/config" in problem.message
    assert (problem.file, problem.line) == ("cart.yaml", 7)


def test_missing_optional_key_leaves_the_variable_out() -> None:
    variable = {
        "name": "X",
        "valueFrom": {"configMapKeyRef": {"name": "config", "key": "no", "optional": True}},
    }
    plan = planned(command=["run"], env=[variable])

    assert (plan.environment, plan.problems) == ((), ())


def test_whole_config_map_with_a_prefix() -> None:
    found = environment(envFrom=[{"prefix": "C_", "configMapRef": {"name": "config"}}])

    assert found == {"C_level": "debug", "C_size": "9"}


def test_own_variable_beats_the_image_tables(tmp_path: Any) -> None:
    image = Image(image="cart:*", command=("run",), env={"A": "table", "B": "table"})
    plan = planned(Settings(images=(image,)), env=[{"name": "A", "value": "own"}])

    assert dict(plan.environment) == {"A": "own", "B": "table"}


def test_missing_working_directory_is_a_problem() -> None:
    problem = planned(command=["run"], workingDir="/no/such/folder").problems[0]

    assert "/no/such/folder is not a folder" in problem.message


def test_port_is_found_by_name_and_number() -> None:
    plan = planned(command=["run"], ports=[{"name": "web", "containerPort": 8080}])

    assert (plan.port("web"), plan.port("9"), plan.port(9), plan.port("no")) == (8080, 9, 9, 0)


def test_the_pods_user_holds_where_the_container_names_none() -> None:
    pods = SecurityContext(run_as_user=1000, run_as_group=2000, privileged=True)
    own = Container(security_context=SecurityContext(run_as_group=3000, privileged=False))

    found = security_context(own, PodSpec(security_context=pods))

    assert (found.run_as_user, found.run_as_group, found.privileged) == (1000, 3000, False)


def test_credentials_come_from_the_security_context() -> None:
    context = {"runAsUser": 7, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}

    found = planned(command=["run"], securityContext=context).credentials

    assert found == Credentials(7, None, capabilities=frozenset(), may_gain=False)


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"runAsNonRoot": True, "runAsUser": 0}, "runAsNonRoot forbids runAsUser 0"),
        pytest.param(
            {"runAsNonRoot": True},
            "runAsNonRoot without runAsUser",
            marks=pytest.mark.root,
        ),
        ({"capabilities": {"add": ["EVERYTHING"]}}, "EVERYTHING is no capability"),
    ],
)
def test_a_security_context_that_cannot_hold_is_a_problem(
    context: dict[str, Any], message: str
) -> None:
    (problem,) = planned(command=["run"], securityContext=context).problems
    assert message in problem.message
