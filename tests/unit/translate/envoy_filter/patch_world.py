"""A sidecar and a gateway with EnvoyFilters, and what they are sent, as plain data."""

from typing import Any

from lateen.base.problem import Problem
from lateen.envoy import messages, types
from lateen.translate import discovery
from lateen.translate.envoy_filter.problems import problems, problems_of
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from tests.unit.translate.outbound_world import CLIENT, http_service, mesh_of

SERVER = ProxyClass(
    namespace="shop",
    labels=(("app", "web"),),
    service_account="web",
    dns_domain="shop.svc.cluster.local",
)
HCM = "{filterChain: {filter: {name: envoy.filters.network.http_connection_manager}}}"
LUA = (
    "{name: envoy.filters.http.lua, typed_config: "
    "{'@type': type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua, "
    "default_source_code: {inline_string: 'function envoy_on_request(h) end'}}}"
)
KINDS = {
    discovery.CLUSTER: types.Cluster,
    discovery.LISTENER: types.Listener,
    discovery.ROUTE: types.RouteConfiguration,
    discovery.EXTENSION: types.TypedExtensionConfig,
}
CLUSTER = "outbound|80||web.shop.svc.cluster.local"


def patch(apply_to: str, operation: str, value: str = "", match: str = "") -> str:
    parts = [f"applyTo: {apply_to}"]
    if match:
        parts.append(f"match: {match}")
    parts.append(f"patch: {{operation: {operation}{f', value: {value}' if value else ''}}}")
    return "{" + ", ".join(parts) + "}"


def envoy_filter(
    *patches: str, name: str = "patch", namespace: str = "shop", more: str = ""
) -> str:
    lines = "\n".join(f"  - {each}" for each in patches)
    return f"""
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {{name: {name}, namespace: {namespace}}}
spec:
{more}
  configPatches:
{lines}
"""


def patched_mesh(*patches: str) -> Mesh:
    return mesh_of(http_service("web"), envoy_filter(*patches))


def sent(mesh: Mesh, type_url: str, name: str, proxy: ProxyClass = CLIENT) -> dict[str, Any] | None:
    found = discovery.cell(mesh, proxy, type_url, name).read()
    return None if found is None else messages.to_json(KINDS[type_url].FromString(found))


def listener(mesh: Mesh, name: str = "0.0.0.0_80", proxy: ProxyClass = CLIENT) -> dict[str, Any]:
    found = sent(mesh, discovery.LISTENER, name, proxy)
    assert found is not None
    return found


def cluster(mesh: Mesh, name: str = CLUSTER) -> dict[str, Any]:
    found = sent(mesh, discovery.CLUSTER, name)
    assert found is not None
    return found


def hosts(mesh: Mesh, name: str = "80") -> dict[str, dict[str, Any]]:
    found = sent(mesh, discovery.ROUTE, name)
    assert found is not None
    return {host["name"]: host for host in found["virtual_hosts"]}


def http_filters(mesh: Mesh, name: str = "0.0.0.0_80", proxy: ProxyClass = CLIENT) -> list[str]:
    for chain in listener(mesh, name, proxy)["filter_chains"]:
        for each in chain["filters"]:
            if each["name"].endswith("http_connection_manager"):
                return [item["name"] for item in each["typed_config"]["http_filters"]]
    raise AssertionError(f"{name} has no connection manager")


def found_problems(mesh: Mesh, type_url: str = "", name: str = "") -> list[Problem]:
    """Of the patches, and of what they could not do to one resource of the client."""
    if not name:
        return list(problems(mesh))
    node = discovery.cell(mesh, CLIENT, type_url, name)
    node.read()
    return [*problems(mesh), *problems_of([node])]
