"""Suite `simulation`: where calls go, on the configuration one proxy is sent.

Each case is configuration, a proxy and calls, or facts about its routes, clusters or listeners.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from lateen.api.resource import Change
from lateen.config import documents
from lateen.simulate import configuration, run
from lateen.simulate.call import Application, Call, Direction, Failure, Outcome, Security
from lateen.simulate.listener import tls_context
from lateen.view import proxy_class as classes
from lateen.view.mesh import Mesh, Settings
from lateen.view.proxy import ProxyClass
from tests.corpus import passing

SUITE = "simulation"
CLUSTER_DOMAIN = ".svc.cluster.local"
FAILURES = {
    None: None,
    Failure.NO_LISTENER: "ErrNoListener",
    Failure.NO_FILTER_CHAIN: "ErrNoFilterChain",
    Failure.AMBIGUOUS_FILTER_CHAIN: "ErrMultipleFilterChain",
    Failure.TLS_EXPECTED: "ErrTLSError",
    Failure.MUTUAL_TLS_MISMATCH: "ErrMTLSError",
    Failure.PROTOCOL: "ErrProtocolError",
    Failure.NO_VIRTUAL_HOST: "ErrNoVirtualHost",
    Failure.TLS_REDIRECT: "ErrTLSRedirect",
    Failure.NO_ROUTE: "ErrNoRoute",
}
Case = dict[str, Any]
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def test_every_listed_case_passes(update_passing: bool) -> None:
    verdicts = {case["name"]: verdict(case) for case in cases()}

    passing.check(SUITE, verdicts, update=update_passing)


def cases() -> Iterator[Case]:
    folder = passing.corpus_folder()
    assert folder is not None
    for file in sorted(Path(folder, SUITE, "cases").glob("*.yaml")):
        for case in yaml.load(file.read_text(), Loader=Loader):
            if "unjudged" not in case:
                yield case


def verdict(case: Case) -> str:
    """Why the case fails; empty when it passes."""
    try:
        return "; ".join(failures(case))
    except Exception as trouble:
        return f"{type(trouble).__name__}: {trouble}"


def failures(case: Case) -> Iterator[str]:
    mesh, proxy_class = world(case)
    held = configuration.configuration(mesh, proxy_class)
    for call in case.get("calls") or ():
        outcome = run.run(
            held,
            as_call(call["call"]),
            mesh_secret=call["call"].get("mtls_secret_config_name") or "default",
        )
        for wrong in differences(call["expect"], outcome, held):
            yield f"{call['name']}: {wrong}"
    if "expect_route_config" in case:
        yield from route_differences(case["expect_route_config"], held)
    if "expect_inbound_clusters" in case:
        yield from cluster_differences(case["expect_inbound_clusters"], held)
    if "expect_listeners" in case:
        yield from listener_differences(case["expect_listeners"], held)


# -- the world of a case -----------------------------------------------------------------------


def world(case: Case) -> tuple[Mesh, ProxyClass]:
    mesh = Mesh(Settings())
    texts = [case.get("config") or "", case.get("kube_config") or ""]
    objects = [*(case.get("config_objects") or ()), *registry(case)]
    if case.get("mesh_config_overrides"):
        objects.append(mesh_config(case["mesh_config_overrides"]))
    texts.append("\n---\n".join(map(json.dumps, objects)))
    for text in texts:
        read = documents.read(text, "case.yaml")
        mesh.apply(Change(each.key, each) for each in read.resources)
    proxy = classes.proxy_from_description(description(case.get("proxy") or {}), mesh)
    return mesh, classes.classify(mesh, proxy.proxy_class)


def description(proxy: Mapping[str, Any]) -> dict[str, Any]:
    metadata = proxy.get("metadata") or {}
    is_router = proxy.get("type") == "router"
    namespace = proxy.get("config_namespace") or metadata.get("Namespace")
    return {
        "type": proxy.get("type") or "sidecar",
        "name": "app",
        "namespace": namespace or ("istio-system" if is_router else "default"),
        "ips": proxy.get("ips") or ["1.1.1.1"],
        "labels": proxy.get("labels") or metadata.get("Labels") or {},
        "metadata": {"CLUSTER_ID": metadata.get("ClusterID") or "Kubernetes"},
    }


def mesh_config(overrides: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "istio", "namespace": "istio-system"},
        "data": {"mesh": json.dumps(overrides)},
    }


def registry(case: Case) -> Iterator[dict[str, Any]]:
    """Services and instances that a case gives as plain facts."""
    for service in case.get("services") or ():
        name, namespace = service["hostname"].split(".")[:2]
        ports = [
            {"name": port["name"], "port": port["port"], "appProtocol": port["protocol"].lower()}
            for port in service["ports"]
        ]
        yield {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"clusterIP": service["address"], "ports": ports},
        }
    for number, instance in enumerate(case.get("instances") or ()):
        yield endpoint_slice(case, instance, number)


def endpoint_slice(case: Case, instance: Mapping[str, Any], number: int) -> dict[str, Any]:
    service = next(each for each in case["services"] if each["hostname"] == instance["service"])
    port = next(each for each in service["ports"] if each["port"] == instance["service_port"])
    name, namespace = instance["service"].split(".")[:2]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name}-{number}",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": name},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": instance["addresses"]}],
        "ports": [{"name": port["name"], "port": instance["target_port"], "protocol": "TCP"}],
    }


# -- calls -------------------------------------------------------------------------------------


def as_call(call: Mapping[str, Any]) -> Call:
    headers = {name.lower(): value for name, value in (call.get("headers") or {}).items()}
    host = call.get("host") or first(headers.pop("host", ""))
    return Call(
        port=call["port"],
        address=call.get("address") or "",
        application=Application(call.get("protocol") or "tcp"),
        security=Security(call.get("tls") or "plaintext"),
        direction=Direction(call.get("mode") or "outbound"),
        host=host,
        path=call.get("path") or "/",
        headers=tuple((name, first(value)) for name, value in headers.items()),
        sni=call.get("sni"),
        alpn=call.get("alpn"),
    )


def first(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value)


def plain(name: str) -> str:
    return name.replace(CLUSTER_DOMAIN, "")


def differences(
    expect: Mapping[str, Any], outcome: Outcome, held: configuration.Configuration
) -> Iterator[str]:
    found = {
        "error": FAILURES[outcome.failure],
        "listener": outcome.listener,
        "filter_chain": outcome.filter_chain,
        "route_config": outcome.route_configuration,
        "virtual_host": outcome.virtual_host,
        "route": outcome.route,
        "cluster": outcome.cluster,
    }
    for field, value in found.items():
        wanted = expect.get(field)
        if field not in expect and not (expect.get("strict") and field != "error"):
            continue
        if plain(value or "") != plain(wanted or ""):
            yield f"{field} is {value!r}, not {wanted!r}"
    if expect.get("downstream_tls"):
        yield from tls_differences(expect["downstream_tls"], outcome, held)


def tls_differences(
    expect: Mapping[str, Any], outcome: Outcome, held: configuration.Configuration
) -> Iterator[str]:
    chains = [
        chain
        for listener in held.listeners
        if listener.name == outcome.listener
        for chain in listener.filter_chains
        if chain.name == outcome.filter_chain
    ]
    contexts = [context for context in map(tls_context, chains) if context is not None]
    found = [facts(context) for context in contexts]
    if not any(all(fact.get(key) == value for key, value in expect.items()) for fact in found):
        yield f"TLS is {found}, not {dict(expect)}"


def facts(context: Any) -> dict[str, Any]:
    common = context.common_tls_context
    secrets = [each.name for each in common.tls_certificate_sds_secret_configs]
    return {
        "alpn": list(common.alpn_protocols),
        "cipher_suites": list(common.tls_params.cipher_suites),
        "certificates": secrets,
        "require_client_certificate": context.require_client_certificate.value,
    }


# -- facts about resources ---------------------------------------------------------------------


def route_differences(
    expect: Mapping[str, Any], held: configuration.Configuration
) -> Iterator[str]:
    table = held.routes.get(expect["name"])
    found = dict(domain_clusters(table.virtual_hosts)) if table is not None else {}
    for domain, wanted in expect["virtual_host_clusters"].items():
        clusters = found.get(domain) or None
        if sorted(map(plain, clusters or ())) != sorted(map(plain, wanted or ())):
            yield f"{domain} has {clusters}, not {wanted}"


def domain_clusters(virtual_hosts: Iterable[Any]) -> Iterator[tuple[str, list[str]]]:
    for host in virtual_hosts:
        clusters = [
            name
            for route in host.routes
            if route.WhichOneof("action") == "route"
            for name in [
                route.route.cluster,
                *(each.name for each in route.route.weighted_clusters.clusters),
            ]
            if name
        ]
        for domain in host.domains:
            yield domain, sorted(clusters)


def cluster_differences(
    expect: Mapping[str, Any], held: configuration.Configuration
) -> Iterator[str]:
    found = {each.name: each for each in held.clusters if each.name.startswith("inbound")}
    if sorted(found) != sorted(expect):
        yield f"inbound clusters are {sorted(found)}, not {sorted(expect)}"
        return
    for name, wanted in expect.items():
        endpoints = list(cluster_endpoints(found[name]))
        if endpoints != (wanted["endpoints"] or []):
            yield f"{name} has endpoints {endpoints}, not {wanted['endpoints']}"
        services = sorted(metadata_services(found[name]))
        if services != sorted(wanted["metadata_services"] or []):
            yield f"{name} names services {services}, not {wanted['metadata_services']}"


def cluster_endpoints(cluster: Any) -> Iterator[str]:
    for group in cluster.load_assignment.endpoints:
        for each in group.lb_endpoints:
            address = each.endpoint.address
            if address.WhichOneof("address") == "pipe":
                yield address.pipe.path
            else:
                place = address.socket_address
                yield f"{place.address}:{place.port_value}"


def metadata_services(cluster: Any) -> list[str]:
    fields = cluster.metadata.filter_metadata
    if "istio" not in fields or "services" not in fields["istio"].fields:
        return []
    values = fields["istio"].fields["services"].list_value.values
    return [each.struct_value.fields["host"].string_value for each in values]


def listener_differences(
    expect: Mapping[str, Any], held: configuration.Configuration
) -> Iterator[str]:
    by_name = {each.name: each for each in held.listeners}
    for name, wanted in expect.items():
        if name == "on_port":
            on_port = [
                each
                for each in held.listeners
                if each.address.socket_address.port_value == wanted["port"]
            ]
            yield from count_differences(wanted, on_port)
        elif name in by_name:
            yield from shape_differences(wanted, by_name[name])
        elif wanted != "absent":
            yield f"there is no listener {name}"


def count_differences(wanted: Mapping[str, Any], found: list[Any]) -> Iterator[str]:
    names = [each.name for each in found]
    if "count" in wanted and len(found) != wanted["count"]:
        yield f"port {wanted['port']} has listeners {names}, not {wanted['count']}"
    if len(found) < wanted.get("min_count", 0):
        yield f"port {wanted['port']} has listeners {names}, not {wanted['min_count']} at least"
    if "name" in wanted and wanted["name"] not in names:
        yield f"port {wanted['port']} has listeners {names}, not {wanted['name']}"


def shape_differences(wanted: Mapping[str, Any], listener: Any) -> Iterator[str]:
    ranges = [
        prefix.prefix_len.value
        for chain in listener.filter_chains
        for prefix in chain.filter_chain_match.prefix_ranges
    ]
    found = {
        "filter_chain_matcher": state(listener.HasField("filter_chain_matcher")),
        "filter_chains_with_prefix_ranges": len(ranges),
        "prefix_len": ranges[0] if ranges else None,
        "default_filter_chain": state(listener.HasField("default_filter_chain")),
    }
    for fact, value in wanted.items():
        if fact in found and found[fact] != value:
            yield f"{listener.name}: {fact} is {found[fact]}, not {value}"


def state(present: bool) -> str:
    return "present" if present else "absent"
