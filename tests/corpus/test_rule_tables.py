"""Rows of Istio's own tables about VirtualServices and DestinationRules, asked of our functions.

Each table has a question: a row's inputs to our answer, and the row's wanted columns to the same
form. Rows whose input is not an object that a user could write are listed with the reason.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec
import pytest
import yaml

from lateen.api import virtual_service as vs
from lateen.api.destination_rule import (
    ConnectionPoolSettings,
    LoadBalancerSettings,
    LocalityLoadBalancerSetting,
    OutlierDetection,
    Subset,
    TrafficPolicy,
    ZoneAwareLoadBalancerSetting,
)
from lateen.api.mesh_config import MeshConfig
from lateen.api.resource import Change, Key, Spec
from lateen.catalog.service import (
    Locality,
    Port,
    Protocol,
    Registry,
    Resolution,
    Service,
)
from lateen.config import documents
from lateen.config.decode import decode
from lateen.envoy import messages, types
from lateen.translate.clusters.policy import layers, locality
from lateen.translate.clusters.policy.connection_pool import upstream
from lateen.translate.clusters.policy.outlier import apply_outlier_detection
from lateen.translate.endpoints import ranking
from lateen.translate.routes import domains
from lateen.translate.routes.match import applies, is_catch_all, route_match
from lateen.view import delegate
from lateen.view.mesh import Mesh, Settings
from lateen.view.selection import as_labels
from lateen.view.virtual_service import routed
from tests.corpus.passing import corpus_folder

T = TypeVar("T", bound=Spec)
Row = dict[str, Any]
DISTRIBUTIONS = ("", "PreferSameZone", "PreferSameNode", "PreferSameNetwork")


def struct(cls: type[T], written: Any) -> T:
    found, problems = decode(written or {}, cls, path="", strict=False)
    assert found is not None, problems
    return found


def given(cls: type[T], written: Any) -> T | None:
    return None if written is None else struct(cls, written)


def plain(value: Any) -> Any:
    """What a struct says, without defaults."""
    if isinstance(value, msgspec.Struct):
        blank = type(value)()
        return {
            name: plain(getattr(value, name))
            for name in value.__struct_fields__
            if getattr(value, name) != getattr(blank, name)
        }
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


# -- matches -----------------------------------------------------------------------------------


def source_match(row: Row) -> tuple[Any, Any]:
    args = row["args"]
    found = applies(
        struct(vs.HTTPMatchRequest, args["match"]),
        port=80,
        gateways=frozenset(args.get("gatewayNames") or ()),
        namespace=args.get("proxyNamespace", ""),
        labels=as_labels(args.get("proxyLabels") or {}),
    )
    return found, row["want"]


def catch_all(row: Row) -> tuple[Any, Any]:
    written = row["route"]["match"]
    made = types.RouteMatch()
    for name, value in (written.get("pathSpecifier") or {}).items():
        snake = {"safeRegex": "safe_regex", "pathSeparatedPrefix": "path_separated_prefix"}
        if isinstance(value, dict):
            made.safe_regex.regex = value["regex"]
        else:
            setattr(made, snake.get(name, name), value)
    for header in written.get("headers") or ():
        made.headers.add(name=header["name"], present_match=True)
    for parameter in written.get("queryParameters") or ():
        made.query_parameters.add(name=parameter["name"], present_match=True)
    return is_catch_all(made), row["want"]


def claim_match(row: Row) -> tuple[Any, Any]:
    name = row["case"].partition("TestTranslateMetadataMatch/")[2].partition("#")[0]
    match = struct(vs.HTTPMatchRequest, {"headers": {name: row["in"] or {}}})
    made = messages.to_json(route_match(match)).get("dynamic_metadata", [])
    wanted = row["want"]
    return (
        [[part["key"] for part in each["path"]] for each in made],
        [[part["segment"]["key"] for part in wanted["path"]]] if wanted else [],
    )


def locality_match(row: Row) -> tuple[Any, Any]:
    written = row["locality"] or {}
    place = Locality(*(written.get(part, "") for part in ("region", "zone", "subZone")))
    return ranking.matches(place, row["rule"]), row["match"]


# -- delegates ---------------------------------------------------------------------------------


def merged_matches(row: Row) -> tuple[Any, Any]:
    root, child, wanted = (
        tuple(struct(vs.HTTPMatchRequest, each) for each in row[side] or ())
        for side in ("root", "delegate", "expected")
    )
    found = delegate.merged_matches(root, child)
    return plain(found or ()), plain(wanted)


def conflict(row: Row) -> tuple[Any, Any]:
    root, leaf = (struct(vs.HTTPMatchRequest, row[side]) for side in ("root", "leaf"))
    return delegate.excludes(root, leaf), row["expected"]


def merged_routes(row: Row) -> tuple[Any, Any]:
    parent = msgspec.structs.replace(struct(vs.HTTPRoute, row["root"]), delegate=None)
    children = tuple(struct(vs.HTTPRoute, each) for each in row["delegate"])
    wanted = [struct(vs.HTTPRoute, each) for each in row["expected"] or ()]
    return plain(delegate.merged_routes(parent, children)), plain(tuple(wanted))


def with_delegates(row: Row) -> tuple[Any, Any]:
    """The HTTP routes of every VirtualService that is no delegate."""
    exports = row.get("defaultExportTo") or ["*"]
    config = yaml.safe_dump({"defaultVirtualServiceExportTo": exports})
    mesh = Mesh(Settings(mesh_config=config))
    keys = [apply(mesh, written) for written in row["virtualServices"]]
    made = {str(key): plain(found.http) for key in keys if (found := routed(mesh, key)) is not None}
    wanted = {
        str(Key("VirtualService", each["namespace"], each["name"])): plain(
            struct(vs.VirtualService, each["spec"]).http
        )
        for each in row["expectedVirtualServices"]
    }
    return made, wanted


def apply(mesh: Mesh, written: Row) -> Key:
    document = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": written["name"], "namespace": written["namespace"]},
        "spec": written.get("spec") or {},
    }
    read = documents.read(yaml.safe_dump(document), "row.yaml")
    mesh.apply(Change(each.key, each) for each in read.resources)
    return read.resources[0].key


# -- policies ----------------------------------------------------------------------------------


def subset_policy(row: Row) -> tuple[Any, Any]:
    subset = given(TrafficPolicy, row["subset"])
    found = layers.effective_policy(
        given(TrafficPolicy, row["original"]),
        Subset(traffic_policy=subset) if subset is not None else None,
        port=(row["port"] or {}).get("port", 0),
    )
    return plain(found), plain(struct(TrafficPolicy, row["expected"]))


def default_policy(row: Row) -> tuple[Any, Any]:
    found = layers.effective_policy(
        given(TrafficPolicy, row["policy"]),
        None,
        port=80,
        default=given(TrafficPolicy, row["meshDefault"]),
    )
    wanted = TrafficPolicy(
        connection_pool=given(ConnectionPoolSettings, row["wantConnPool"]),
        outlier_detection=given(OutlierDetection, row["wantOutlier"]),
    )
    return plain(found), plain(wanted)


def outlier(row: Row) -> tuple[Any, Any]:
    cluster = types.Cluster()
    apply_outlier_detection(cluster, given(OutlierDetection, row["cfg"]))
    made = messages.to_json(cluster.outlier_detection)
    wanted = {words(name): value for name, value in (row["o"] or {}).items()}
    return made, wanted


def words(name: str) -> str:
    """`enforcingConsecutive_5Xx` as Envoy writes it."""
    spaced = "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
    return spaced.replace("_5_xx", "_5xx")


def http2_upgrade(row: Row) -> tuple[Any, Any]:
    protocol = (row["port"] or {}).get("protocol", "HTTP")
    known = {"HTTP": Protocol.HTTP, "UnsupportedProtocol": Protocol.UNSUPPORTED}
    found = upstream(
        given(ConnectionPoolSettings, row["connectionPool"]),
        port=Port("a", 80, known[protocol]),
        config=struct(MeshConfig, row["mesh"]),
        sniffs=True,
        upgrades=True,
    )
    return found.is_http2, row["upgrade"]


def spread(row: Row) -> tuple[Any, Any]:
    distribution = ((row["svc"] or {}).get("attributes") or {}).get("trafficDistribution", 0)
    found = locality.spread(
        MeshConfig(
            locality_lb_setting=given(
                LocalityLoadBalancerSetting, without_nothing(row["meshLocality"])
            ),
            zone_aware_lb_setting=given(
                ZoneAwareLoadBalancerSetting, without_nothing(row["meshZoneAware"])
            ),
        ),
        TrafficPolicy(load_balancer=given(LoadBalancerSettings, row["dr"])),
        Service(
            "a.example", "n", "a", Registry.KUBERNETES, Resolution.CLIENT_SIDE,
            traffic_distribution=DISTRIBUTIONS[distribution],
        ),
    )  # fmt: skip
    order = given(LocalityLoadBalancerSetting, row["expectedLocality"])
    if row["expectedRoutingEnabled"]:
        zones = struct(ZoneAwareLoadBalancerSetting, row["expectedZoneAware"])
        order = LocalityLoadBalancerSetting(
            failover=zones.failover, failover_priority=zones.failover_priority, enabled=True
        )
    return (
        (plain(found.setting), found.ranks, found.keeps_zone),
        (plain(order), row["expectedForce"], row["expectedRoutingEnabled"]),
    )


def without_nothing(written: Any) -> Any:
    """A list of one nil is not a thing that YAML of a user could say."""
    if isinstance(written, dict):
        return {key: [{}] if value == [None] else value for key, value in written.items()}
    return written


# -- names -------------------------------------------------------------------------------------


def host_domains(row: Row) -> tuple[Any, Any]:
    written = row["service"]
    attributes = written.get("attributes") or {}
    is_kubernetes = attributes.get("serviceRegistry") == "Kubernetes"
    service = Service(
        written["hostname"],
        "n",
        "a",
        Registry.KUBERNETES if is_kubernetes else Registry.EXTERNAL,
        Resolution.PASSTHROUGH if written.get("resolution") == 2 else Resolution.CLIENT_SIDE,
    )
    found = domains.service_domains(
        service,
        dns_domain=row["node"]["dnsDomain"],
        addresses=tuple(filter(None, (written.get("defaultAddress", ""),))),
        aliases=[each["hostname"] for each in attributes.get("aliases") or ()],
    )
    return sorted(found.names), sorted(row["want"])


QUESTIONS: dict[str, Callable[[Row], tuple[Any, Any]]] = {
    "pilot-pkg-model/TestControllerMergeVirtualServices": with_delegates,
    "pilot-pkg-model/TestHasConflict": conflict,
    "pilot-pkg-model/TestMergeHTTPMatchRequests": merged_matches,
    "pilot-pkg-model/TestMergeHttpRoutes": merged_routes,
    "pilot-pkg-networking-core/TestApplyDefaultTrafficPolicy": default_policy,
    "pilot-pkg-networking-core/TestApplyOutlierDetection": outlier,
    "pilot-pkg-networking-core/TestGenerateVirtualHostDomains": host_domains,
    "pilot-pkg-networking-core/TestShouldH2Upgrade": http2_upgrade,
    "pilot-pkg-networking-core-loadbalancer/TestGetEffectiveLbSetting": spread,
    "pilot-pkg-networking-core-route/TestIsCatchAllRoute": catch_all,
    "pilot-pkg-networking-core-route/TestSourceMatchHTTP": source_match,
    "pilot-pkg-networking-core-route/TestTranslateMetadataMatch": claim_match,
    "pilot-pkg-networking-util/TestLocalityMatch": locality_match,
    "pilot-pkg-networking-util/TestMergeSubsetTrafficPolicy": subset_policy,
}


@pytest.mark.parametrize("table", QUESTIONS)
def test_rules_mean_what_they_mean_in_istio(table: str) -> None:
    answers = {row["case"]: QUESTIONS[table](row) for row in rows(table)}

    assert {case: found for case, (found, _) in answers.items()} == {
        case: wanted for case, (_, wanted) in answers.items()
    }


def rows(table: str) -> Iterator[Row]:
    folder = corpus_folder()
    assert folder is not None
    yield from yaml.safe_load((folder / "tables" / f"{table}.yaml").read_text())
