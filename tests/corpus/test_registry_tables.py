"""Istio's own tables about hosts, protocols, services, workloads and what is local."""

from collections.abc import Iterator
from typing import Any

import yaml

from lateen.catalog import protocol, workload_entry
from lateen.catalog.service import Registry, Resolution, Service
from lateen.catalog.workload import Place
from lateen.config import mesh_config
from lateen.config.documents import read
from lateen.view import cluster_local, hosts, names, scope, workload
from lateen.view.mesh import Mesh, Settings
from lateen.view.outbound_scope import outbound_scope
from lateen.view.proxy import ProxyClass
from tests.corpus import tables
from tests.corpus.tables import Row, rows


def differing(table: str, of: Any) -> Iterator[str]:
    """Rows for which `of(row)`, a pair of what is and what should be, differs."""
    for row in rows(table):
        made, wanted = of(row)
        if made != wanted:
            yield f"{row['case']}: {made}, not {wanted}"


def test_hosts_match_as_istio_says() -> None:
    def matching(row: Row) -> tuple[bool, bool]:
        return hosts.matches(row["a"].lower(), row["b"].lower()), row["out"]

    # Host names are compared without regard to case here, as DNS has it; Istio's function is not.
    wrong = list(differing("pkg-config-host/TestNameMatches", matching))
    assert [each for each in wrong if "mixed case" not in each] == []


def test_hosts_are_subsets_as_istio_says() -> None:
    def subset(row: Row) -> tuple[bool, bool]:
        return hosts.is_subset(row["a"], row["b"]), row["out"]

    assert list(differing("pkg-config-host/TestNameSubsetOf", subset)) == []


def test_specific_hosts_come_first() -> None:
    def ordered(row: Row) -> tuple[list[str], list[str]]:
        return sorted(row["in"], key=hosts.specificity), row["want"]

    assert list(differing("pkg-config-host/TestNamesSortOrder", ordered)) == []


def test_hosts_of_a_namespace_are_those_that_name_it_or_none() -> None:
    def of_namespace(row: Row) -> tuple[list[str], list[str]]:
        split = [names.split_host(host, "") for host in row["hosts"]]
        return [host for owner, host in split if owner in ("*", row["namespace"])], row["want"]

    assert list(differing("pkg-config-host/TestNamesForNamespace", of_namespace)) == []


def test_protocols_are_read_as_istio_says() -> None:
    def parsed(row: Row) -> tuple[str, str]:
        return str(protocol.parse(row.get("name", tables.name(row)))), row["out"]

    assert list(differing("pkg-config-protocol/TestParse", parsed)) == []


def test_service_ports_speak_what_istio_says() -> None:
    def of_port(row: Row) -> tuple[str, str]:
        made = protocol.of_kubernetes_port(
            row["port"],
            name=row.get("name", tables.name(row)),
            transport=row["proto"],
            app_protocol=row["appProtocol"],
        )
        return str(made), row["out"]

    assert list(differing("pilot-pkg-serviceregistry-kube/TestConvertProtocol", of_port)) == []


def test_short_names_are_completed() -> None:
    def completed(row: Row) -> tuple[str, str]:
        meta, written = row["meta"], row.get("name", tables.name(row))
        namespace, domain = meta.get("namespace", ""), meta.get("domain", "")
        return hosts.qualified(written, namespace, domain), row["out"]

    table = rows("pilot-pkg-model/TestResolveShortnameToFQDN")
    whole = [row for row in table if {"namespace", "domain"} <= set(row["meta"])]
    assert whole
    wrong = [row["case"] for row in whole if len(set(completed(row))) > 1]
    assert wrong == []


def test_gateway_names_are_resolved() -> None:
    def resolved(row: Row) -> tuple[str, str]:
        return names.gateway_name(row["gateway"], row["namespace"]), row["resolved"]

    assert list(differing("pilot-pkg-model/TestResolveGatewayName", resolved)) == []


def test_workload_entries_are_workloads_as_istio_says() -> None:
    def converted(row: Row) -> tuple[Any, Any]:
        entry = tables.networking("WorkloadEntry", row["wle"], name="entry")
        resource = read(yaml.safe_dump(entry), "entry.yaml").resources[0]
        made = workload_entry.workload(resource, Place("cluster.local", "fakeCluster", ""))
        wanted = row["out"]["endpoint"]
        return (
            dict(made.labels),
            made.addresses,
            made.service_account,
            made.tls_mode,
            dict(made.ports),
        ), (
            wanted["labels"],
            tuple(wanted["addresses"]),
            wanted.get("serviceAccount", ""),
            wanted["tlsMode"],
            row["out"].get("portMap") or {},
        )

    table = "pilot-pkg-serviceregistry-serviceentry/TestConvertWorkloadEntryToWorkloadInstance"
    assert list(differing(table, converted)) == []


def test_services_are_visible_as_istio_says() -> None:
    def visible(row: Row) -> tuple[bool, bool]:
        attributes = row["service"]["attributes"]
        made = Service(
            hostname="host",
            namespace=attributes["namespace"],
            name="host",
            registry=Registry.EXTERNAL,
            resolution=Resolution.CLIENT_SIDE,
            export_to=frozenset(attributes.get("exportTo") or ()),
        )
        return scope.is_visible(Mesh(), made, "foo"), row["expect"]

    # `visibility` is of waypoints' applyToSidecars, which Lateen does not have.
    wrong = list(differing("pilot-pkg-model/TestIsServiceVisible", visible))
    assert [each for each in wrong if "applyToSidecars" not in each] == []


def test_services_are_local_to_their_cluster_as_istio_says() -> None:
    def local(row: Row) -> tuple[bool, bool]:
        config, _ = mesh_config.read_mesh_config(yaml.safe_dump(row["m"] or {}))
        mesh = Mesh(Settings(mesh_config=config))
        return cluster_local.is_cluster_local(mesh, row["host"]), row["expected"]

    assert list(differing("pilot-pkg-model/TestIsClusterLocal", local)) == []


def test_listeners_import_services_as_istio_says() -> None:
    for row in rows("pilot-pkg-model/TestIstioEgressListenerWrapper"):
        imports = [
            f"{owner}/{host}"
            for owner, listed in row["listenerHosts"].items()
            for host in listed.get("allHosts") or ()
        ] + [
            f"~{'' if owner == '*' else owner}/{host}"
            for owner, listed in row["listenerHosts"].items()
            for host in listed.get("excludedHosts") or ()
        ]
        sidecar = {"egress": [{"hosts": imports}]}
        mesh = _sidecar_mesh(row["services"], sidecar, row["namespace"])
        seen = outbound_scope(mesh, ProxyClass(namespace=row["namespace"]))

        assert _told(scope.services(mesh, seen)) == _expected(row["expected"]), row["case"]


def test_sidecars_see_services_as_istio_says() -> None:
    wrong = []
    judged = 0
    for row in rows("pilot-pkg-model/TestCreateSidecarScope"):
        services = row["services"] or ()
        if row["expectedDr"] or not all(map(_is_expressible, services)):
            continue
        judged += 1
        virtual_services = row["virtualServices"] or ()
        rules = [tables.networking("VirtualService", each) for each in virtual_services]
        spec = (row["sidecarConfig"] or {}).get("spec") if row["sidecarConfig"] else None
        mesh = _sidecar_mesh(services, _qualified(spec, virtual_services), "mynamespace", *rules)
        seen = outbound_scope(mesh, ProxyClass(namespace="mynamespace"))
        made, wanted = _told(scope.services(mesh, seen)), _expected(row["expectedServices"] or ())
        if made != wanted:
            wrong.append(f"{row['case']}: {made}, not {wanted}")
    assert judged > 10
    assert wrong == []


def _qualified(spec: Any, virtual_services: Any) -> Any:
    """The table's mesh has no domain: `host.namespace` is a name there that is whole."""
    if spec is None:
        return None
    text = yaml.safe_dump(spec)
    for each in virtual_services:
        for host in each["spec"].get("hosts") or ():
            short = f"{host}.{each.get('namespace')}"
            text = text.replace(f"/{short}", f"/{short}.svc.cluster.local")
    return yaml.safe_load(text)


def test_pools_of_inbound_ports_are_those_of_the_sidecar() -> None:
    for row in rows("pilot-pkg-model/TestInboundConnectionPoolForPort"):
        spec = row["sidecar"] or {}
        mesh = _sidecar_mesh((), spec, "mynamespace")
        seen = ProxyClass(namespace="mynamespace")
        listeners = workload.ingress_listeners(mesh, seen)

        for port, wanted in row["want"].items():
            own = [each for each in listeners if each.port and each.port.number == int(port)]
            assert bool(own and own[0].connection_pool) == (
                bool(wanted) and wanted != spec.get("inboundConnectionPool")
            ), row["case"]


def _sidecar_mesh(services: Any, spec: Any, namespace: str, *more: dict[str, Any]) -> Mesh:
    entries = [tables.service_entry(index, each) for index, each in enumerate(services)]
    found = [*entries, *more]
    if spec is not None:
        row = {"namespace": namespace, "spec": spec}
        found.append(tables.networking("Sidecar", row, name="sidecar"))
    return tables.mesh_of(*found)


def _is_expressible(service: Any) -> bool:
    """As a ServiceEntry: not a Kubernetes Service of any name, not one of all namespaces."""
    attributes = service.get("attributes") or {}
    return attributes.get("namespace") != "*" and attributes.get("serviceRegistry") != "Kubernetes"


def _told(services: tuple[Service, ...]) -> list[tuple[str, str, tuple[int, ...]]]:
    return sorted(
        (each.hostname, each.namespace, tuple(sorted(port.number for port in each.ports)))
        for each in services
    )


def _expected(services: Any) -> list[tuple[str, str, tuple[int, ...]]]:
    found: dict[tuple[str, str], set[int]] = {}
    for each in services:
        namespace = (each.get("attributes") or {}).get("namespace") or "default"
        ports = found.setdefault((each["hostname"], namespace), set())
        ports.update(port["port"] for port in each.get("ports") or ())
    return sorted((host, owner, tuple(sorted(ports))) for (host, owner), ports in found.items())
