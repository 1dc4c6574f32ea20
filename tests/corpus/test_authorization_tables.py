"""Rows of Istio's own tables about security, asked of our functions.

Each table has a question: a row's inputs to our answer, and the row's wanted columns to the same
form.
"""

from collections.abc import Callable
from typing import Any

import pytest

from lateen.api.resource import Key
from lateen.envoy import messages
from lateen.jwks.document import read_keys
from lateen.jwks.errors import KeyFetchError
from lateen.translate.authorization import policies, values
from lateen.translate.authorization.tokens import space_delimited
from lateen.translate.authorization.trust_domain import TrustDomains
from lateen.translate.routes.match import claim_path
from lateen.view.authentication import peer_mode, port_modes
from lateen.view.mesh import Settings
from tests.corpus import tables
from tests.corpus.tables import Row, rows

MODES = ("UNSET", "DISABLE", "PERMISSIVE", "STRICT")
PLAIN_MATCHES = ("prefix", "suffix", "exact")


def of_waypoint(row: Row) -> bool:
    """Waypoints are of ambient meshes, which we have not."""
    return bool((row.get("selection") or row.get("selectionOpts") or {}).get("isWaypoint"))


def secured(kind: str, config: Row) -> Row:
    return {
        "apiVersion": "security.istio.io/v1",
        "kind": kind,
        "metadata": {
            "name": config["name"],
            "namespace": config["namespace"],
            "annotations": config.get("annotations") or {},
        },
        "spec": config.get("spec") or {},
    }


def peer_modes(row: Row) -> tuple[Any, Any]:
    documents = [secured("PeerAuthentication", config) for config in row["configs"]]
    mesh = tables.mesh_of(*documents, settings=Settings(root_namespace="root-namespace"))
    labels = (("app", "foo"),)
    wanted = row["want"]
    per_port = {str(port): mode.value for port, mode in port_modes(mesh, "my-ns", labels)}
    of_port = {
        port: per_port.get(port, peer_mode(mesh, "my-ns", labels, int(port)).value)
        for port in wanted.get("perPort") or {}
    }
    found = (peer_mode(mesh, "my-ns", labels).value, of_port)
    ports = {port: MODES[mode] for port, mode in (wanted.get("perPort") or {}).items()}
    return found, (MODES[wanted["mode"]], ports)


def string_match(written: Row) -> Row:
    pattern = written["matchPattern"]
    if "safeRegex" in pattern:
        return {"safe_regex": pattern["safeRegex"]}
    made = {name: pattern[name] for name in PLAIN_MATCHES if name in pattern}
    return made | ({"ignore_case": True} if written.get("ignoreCase") else {})


def header_match(row: Row, *, ignore_case: bool = False) -> tuple[Any, Any]:
    found = messages.to_json(values.header_matcher(row["K"], row["V"], ignore_case=ignore_case))
    specifier = row["Expect"]["headerMatchSpecifier"]
    wanted: Row = {"name": row["Expect"]["name"]}
    if specifier.get("presentMatch"):
        return found, wanted | {"present_match": True}
    return found, wanted | {"string_match": string_match(specifier["stringMatch"])}


def host_match(row: Row) -> tuple[Any, Any]:
    return header_match(row, ignore_case=True)


def path_match(row: Row) -> tuple[Any, Any]:
    found = messages.to_json(values.path(row["V"]))["url_path"]["path"]
    return found, string_match(row["Expect"]["rule"]["path"])


def path_template(row: Row) -> tuple[Any, Any]:
    found = messages.to_json(values.path(row["path"]))["uri_template"]["typed_config"]
    return found["path_template"], row["want"]["pathTemplate"]


def prefixed_match(row: Row) -> tuple[Any, Any]:
    found = messages.to_json(values.string_matcher(row["v"], prefix=row["prefix"]))
    return found, string_match(row["want"])


def aliased_principals(row: Row) -> tuple[Any, Any]:
    known = TrustDomains(tuple(row["trustDomainBundle"]["trustDomains"]))
    return list(known.expand(row["principals"])), row["expect"]


def claims_split(row: Row) -> tuple[Any, Any]:
    return list(space_delimited(row["input"] or ())), row["expected"]


def routed_claim(row: Row) -> tuple[Any, Any]:
    name = row["case"].split("/TestToRoutingClaim/", 1)[1]
    return list(claim_path(name)), row["want"].get("claims") or []


def key_set(row: Row) -> tuple[Any, Any]:
    try:
        read_keys(row["body"].encode())
    except KeyFetchError:
        return True, row["wantErr"]
    return False, row["wantErr"]


def listed_policies(row: Row) -> tuple[Any, Any]:
    selection = row["selectionOpts"]
    mesh = tables.mesh_of(
        *(secured("AuthorizationPolicy", config) for config in row["configs"] or ()),
        settings=Settings(root_namespace=selection.get("rootNamespace") or "istio-config"),
    )
    labels = tuple(sorted((selection.get("workloadLabels") or {}).items()))
    found = policies.policies(mesh, selection["workloadNamespace"], labels)
    ours = {name: _names(getattr(found, name)) for name in ("deny", "allow", "audit", "custom")}
    wanted = {
        name: sorted((each["namespace"], each["name"]) for each in row[column] or ())
        for name, column in (
            ("deny", "wantDeny"),
            ("allow", "wantAllow"),
            ("audit", "wantAudit"),
            ("custom", "wantCustom"),
        )
    }
    return ours, wanted


def _names(found: Any) -> list[tuple[str, str]]:
    return sorted((each.namespace, each.name) for each in found)


def attached(row: Row) -> tuple[Any, Any]:
    selection = row["selection"]
    named = row["policyNamespacedName"] or {"name": "policy", "namespace": "default"}
    document = secured("AuthorizationPolicy", named | {"spec": row["policy"]})
    mesh = tables.mesh_of(document)
    policy = mesh.resource(Key("AuthorizationPolicy", named["namespace"], named["name"]))
    assert policy is not None
    labels = tuple(sorted((selection.get("workloadLabels") or {}).items()))
    found = policies.governs(policy, selection["workloadNamespace"], labels)
    return found, row["expected"]


QUESTIONS: dict[str, Callable[[Row], tuple[Any, Any]]] = {
    "pkg-jwt/TestToRoutingClaim": routed_claim,
    "pilot-pkg-model/TestAuthorizationPolicies_ListAuthorizationPolicies": listed_policies,
    "pilot-pkg-model/TestPolicyMatcher": attached,
    "pilot-pkg-model/TestValidateJWKSFormat": key_set,
    "pilot-pkg-security-authn/TestBuildSpaceDelimitedClaims": claims_split,
    "pilot-pkg-security-authn/TestComposePeerAuthentication": peer_modes,
    "pilot-pkg-security-authz-matcher/TestHeaderMatcher": header_match,
    "pilot-pkg-security-authz-matcher/TestHostMatcher": host_match,
    "pilot-pkg-security-authz-matcher/TestPathMatcher": path_match,
    "pilot-pkg-security-authz-matcher/TestPathTemplateMatcher": path_template,
    "pilot-pkg-security-authz-matcher/TestStringMatcherWithPrefix": prefixed_match,
    "pilot-pkg-security-trustdomain/TestReplaceTrustDomainAliases": aliased_principals,
}


@pytest.mark.parametrize("table", QUESTIONS)
def test_security_means_what_it_means_in_istio(table: str) -> None:
    answers = {row["case"]: QUESTIONS[table](row) for row in rows(table) if not of_waypoint(row)}

    assert {case: found for case, (found, _) in answers.items()} == {
        case: wanted for case, (_, wanted) in answers.items()
    }
