"""Rows of Istio's tables about what a client's proxy is sent, asked of what is rendered for it."""

from collections.abc import Iterator
from typing import Any

from lateen.envoy import messages, types
from lateen.translate import discovery
from lateen.translate.routes.http import default_route
from lateen.view import hosts
from lateen.view import proxy_class as classes
from lateen.view.mesh import Mesh, Settings
from lateen.view.outbound_scope import outbound_scope
from lateen.view.scope import find_service
from tests.corpus.tables import Row, mesh_of, networking, rows

CORE = "pilot-pkg-networking-core"
DISTRIBUTIONS = {"": 0, "PreferClose": 1, "PreferSameZone": 1, "PreferSameNode": 2}  # As Istio's.


def differing(table: str, of: Any) -> list[str]:
    """Rows for which `of(row)`, a pair of what is and what should be, differs."""
    asked = ((row["case"], *of(row)) for row in rows(table))
    return [f"{case}: {made}, not {wanted}" for case, made, wanted in asked if made != wanted]


def cells(mesh: Mesh, kind: str, **metadata: str) -> Iterator[Any]:
    """Everything of one kind that a sidecar of namespace ns is sent."""
    description = {"namespace": "ns", "metadata": metadata}
    client = classes.classify(mesh, classes.proxy_from_description(description, mesh).proxy_class)
    message = types.Cluster if kind == discovery.CLUSTER else types.Listener
    for each in discovery.names(mesh, client, kind):
        content = discovery.cell(mesh, client, kind, each).read()
        if content is not None:
            yield messages.to_json(message.FromString(content))


def entry(
    host: str, port: int, *, protocol: str = "TCP", resolution: str = "STATIC"
) -> dict[str, Any]:
    static = resolution == "STATIC"
    spec = {
        "hosts": [host],
        "resolution": resolution,
        "location": "MESH_INTERNAL",
        "ports": [{"number": port, "name": protocol.lower(), "protocol": protocol}],
        "endpoints": [{"address": "10.0.0.1"}] if static else [],
    }
    return networking("ServiceEntry", {"spec": spec}, name="entry", namespace="ns")


def rule(spec: Row | None) -> list[dict[str, Any]]:
    if spec is None:
        return []
    return [networking("DestinationRule", {"spec": spec}, name="rule", namespace="ns")]


def tcp_proxy(mesh: Mesh, cluster: str, **metadata: str) -> Row:
    """The filter that goes to the cluster."""
    for listener in cells(mesh, discovery.LISTENER, **metadata):
        for chain in listener.get("filter_chains", []):
            config = chain["filters"][-1]["typed_config"]
            weighted = config.get("weighted_clusters", {}).get("clusters", [])
            if cluster in (config.get("cluster"), *(each["name"] for each in weighted)):
                return dict(config)
    raise AssertionError(f"nothing goes to {cluster}")


def destination(row: Row, routes: str = "routes") -> tuple[str, int, str]:
    written = row[routes][0]["destination"]
    return written["host"], written["port"]["number"], written.get("subset", "")


def test_the_most_specific_host_is_istios() -> None:
    def most_specific(row: Row) -> tuple[str, str]:
        covering = [each for each in row["in"] if hosts.is_subset(row["needle"], each)]
        return min(covering, key=hosts.specificity, default=""), row["want"]

    assert differing("pilot-pkg-model/TestMostSpecificHostMatch", most_specific) == []


def test_statistics_of_clusters_are_named_by_the_pattern() -> None:
    def stat_name(row: Row) -> tuple[list[str], list[str]]:
        short, namespace = row["attributes"]["name"], row["attributes"]["namespace"]
        port = {"name": row["port"]["name"], "port": row["port"]["port"]}
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": short, "namespace": namespace},
            "spec": {"clusterIP": "10.0.0.9", "ports": [port]},
        }
        subsets = [{"name": row["subsetName"]}] if row["subsetName"] else []
        spec = {"host": row["host"], "subsets": subsets} if subsets else None
        pattern = Settings(mesh_config=f"outboundClusterStatName: '{row['statPattern']}'")
        mesh = mesh_of(service, *rule(spec), settings=pattern)
        wanted = f"outbound|{port['port']}|{row['subsetName']}|{row['host']}"
        made = [
            each["alt_stat_name"]
            for each in cells(mesh, discovery.CLUSTER)
            if each["name"] == wanted
        ]
        return made, [row["want"] + ";"]

    assert differing("pilot-pkg-networking-telemetry/TestBuildStatPrefix", stat_name) == []


def test_statistics_of_connections_are_named_by_the_pattern() -> None:
    def stat_prefix(row: Row) -> tuple[str, str]:
        host, port, subset = destination(row)
        spec = {"hosts": [host], "tcp": [{"route": row["routes"]}]}
        pattern = Settings(mesh_config=f"outboundClusterStatName: '{row['statPattern']}'")
        routing = networking("VirtualService", {"spec": spec}, name="test.com", namespace="ns")
        mesh = mesh_of(entry(host, port), routing, settings=pattern)
        made = tcp_proxy(mesh, f"outbound|{port}|{subset}|{host}")
        return made["stat_prefix"], row["expectedStatPrefix"]

    assert differing(f"{CORE}/TestOutboundNetworkFilterStatPrefix", stat_prefix) == []


def test_spans_are_named_after_host_and_port() -> None:
    def operation(row: Row) -> tuple[str, str]:
        mesh = Mesh(Settings())
        client = classes.proxy_from_description({"namespace": "ns"}, mesh).proxy_class
        made = default_route(mesh, outbound_scope(mesh, client), row["host"], row["port"])
        return made.decorator.operation, row["match"]

    assert differing("pilot-pkg-networking-telemetry/TestTraceOperation", operation) == []


def test_tunnels_lead_where_the_rule_says() -> None:
    def tunnel(row: Row) -> tuple[Row | None, Row]:
        host, port, subset = destination(row, "routeDestinations")
        mesh = mesh_of(entry(host, port), *rule(row["destinationRule"]))
        made = tcp_proxy(mesh, f"outbound|{port}|{subset}|{host}").get("tunneling_config")
        wanted = row["expectedTunnelingConfig"]
        expected = {"hostname": wanted["hostname"]}
        return made, {**expected, "use_post": True} if wanted["usePost"] else expected

    table = f"{CORE}/TestBuildOutboundNetworkFiltersTunnelingConfig"
    assert differing(table, tunnel) == []


def test_idle_connections_are_closed_after_the_rules_or_the_proxys_time() -> None:
    def idle_timeout(row: Row) -> tuple[str | None, str | None]:
        host, port, subset = destination(row)
        mesh = mesh_of(entry(host, port), *rule(row["destRule"]))
        set_time = row["istioMetaIdleTimeout"]
        metadata = {"IDLE_TIMEOUT": set_time} if set_time else {}
        made = tcp_proxy(mesh, f"outbound|{port}|{subset}|{host}", **metadata)
        return made.get("idle_timeout"), row["expected"]

    assert differing(f"{CORE}/TestOutboundNetworkFilterIdleTimeout", idle_timeout) == []


def test_the_source_address_is_hashed_where_the_rule_says() -> None:
    by_source = {"loadBalancer": {"consistentHash": {"useSourceIp": True}}}
    by_turns = {"loadBalancer": {"simple": "ROUND_ROBIN"}}
    policies: Row = {  # The table's program has these rules.
        "testsimple.com": {"trafficPolicy": by_turns},
        "test.com": {"trafficPolicy": by_source},
        "subsettest.com": {"trafficPolicy": by_source, "subsets": [{"name": "v1"}]},
        "subsettestdifferent.com": {
            "trafficPolicy": by_source,
            "subsets": [{"name": "v1", "trafficPolicy": by_turns}],
        },
    }

    def hashed(row: Row) -> tuple[bool, bool]:
        host, port, subset = destination(row)
        spec = {"hosts": [host], "tcp": [{"route": row["routes"]}]}
        routing = networking("VirtualService", {"spec": spec}, name="route", namespace="ns")
        mesh = mesh_of(entry(host, port), *rule({"host": host, **policies[host]}), routing)
        made = tcp_proxy(mesh, f"outbound|{port}|{subset}|{host}")
        return "hash_policy" in made, row["useSourceIP"]

    assert differing(f"{CORE}/TestOutboundNetworkFilterWithSourceIPHashing", hashed) == []


def test_names_of_each_request_have_the_tls_of_the_rule() -> None:
    def dynamic(row: Row) -> tuple[list[bool], list[bool]]:
        host = "*.svc.cluster.local"
        served = entry(host, row["port"], protocol=row["protocol"], resolution="DYNAMIC_DNS")
        made = [
            each
            for each in cells(mesh_of(served, *rule(row["destinationRule"])), discovery.CLUSTER)
            if each["name"] == f"outbound|{row['port']}||{host}"
        ]
        found = [bool(made), "transport_socket" in made[0] if made else False]
        wanted = [row["expectCluster"], row["expectTransportTLS"]]
        if row["validateTLS"]:
            options = made[0]["typed_extension_protocol_options"].values()
            upstream = next(iter(options)).get("upstream_http_protocol_options", {})
            found += [upstream.get(each, False) for each in ("auto_sni", "auto_san_validation")]
            wanted += [row["expectAutoSni"], row["expectAutoSanValidation"]]
        return found, wanted

    assert differing(f"{CORE}/TestSidecarDynamicDNSClusters", dynamic) == []


def test_traffic_keeps_to_the_annotation_of_the_service_or_its_namespace() -> None:
    def distribution(row: Row) -> tuple[int, int]:
        spec: Row = {"clusterIP": "10.0.0.9", "ports": [{"name": "http", "port": 80}]}
        if row["specValue"] is not None:
            spec["trafficDistribution"] = row["specValue"]
        namespace = {"name": "ns", "annotations": row["nsAnnotation"]}
        service = {"name": "a", "namespace": "ns", "annotations": row["svcAnnotation"]}
        mesh = mesh_of(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": namespace},
            {"apiVersion": "v1", "kind": "Service", "metadata": service, "spec": spec},
        )
        client = classes.proxy_from_description({"namespace": "ns"}, mesh).proxy_class
        found = find_service(mesh, outbound_scope(mesh, client), "a.ns.svc.cluster.local")
        assert found is not None
        return DISTRIBUTIONS[found.traffic_distribution], row["want"]

    assert differing("pilot-pkg-model/TestGetTrafficDistribution", distribution) == []
