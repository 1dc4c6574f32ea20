from typing import Any

from lateen.cli.dump import listeners

PREFIX = "type.googleapis.com/envoy.extensions.filters.network."


def tcp(cluster: str) -> dict[str, Any]:
    return {"typed_config": {"@type": f"{PREFIX}tcp_proxy.v3.TcpProxy", "cluster": cluster}}


def http(**config: Any) -> dict[str, Any]:
    kind = f"{PREFIX}http_connection_manager.v3.HttpConnectionManager"
    return {"typed_config": {"@type": kind, **config}}


def listener(address: str, port: int, *chains: dict[str, Any], **more: Any) -> dict[str, Any]:
    place = {"socket_address": {"address": address, "port_value": port}}
    return {"address": place, "filter_chains": list(chains), **more}


INBOUND = listener(
    "0.0.0.0",
    15006,
    {"filter_chain_match": {"destination_port": 15006}, "filters": [tcp("BlackHoleCluster")]},
    {
        "filter_chain_match": {
            "transport_protocol": "tls", "application_protocols": ["istio", "istio-h2"],
            "prefix_ranges": [{"address_prefix": "0.0.0.0", "prefix_len": 0}],
        },
        "filters": [tcp("InboundPassthroughCluster")],
    },
    {"filter_chain_match": {"server_names": ["a", "b"]}, "filters": [tcp("outbound|443||a")]},
)  # fmt: skip
OUTBOUND = listener(
    "0.0.0.0",
    80,
    {"filters": [http(rds={"route_config_name": "80"})]},
    default_filter_chain={"filters": [tcp("PassthroughCluster")]},
)


def test_every_chain_says_what_it_takes_and_where_it_goes() -> None:
    assert listeners.rows([INBOUND]) == [
        ("0.0.0.0", "15006", "Addr: *:15006", "Non-HTTP/Non-TCP"),
        (
            "0.0.0.0",
            "15006",
            "Trans: tls; App: istio,istio-h2; Addr: 0.0.0.0/0",
            "InboundPassthroughCluster",
        ),
        ("0.0.0.0", "15006", "SNI: a,b", "Cluster: outbound|443||a"),
    ]
    assert listeners.rows([OUTBOUND]) == [
        ("0.0.0.0", "80", "ALL", "Route: 80"),
        ("0.0.0.0", "80", "ALL", "PassthroughCluster"),
    ]


def test_an_inline_route_to_one_cluster_is_that_cluster() -> None:
    host = {
        "domains": ["*"],
        "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "inbound|8080||"}}],
    }
    chain = {"filters": [http(route_config={"virtual_hosts": [host]})]}

    assert listeners.destination(chain) == "Cluster: inbound|8080||"


def test_listeners_are_chosen_by_address_port_and_type() -> None:
    both = [INBOUND, OUTBOUND]

    assert listeners.select(both, address="", port=80, kind="") == [OUTBOUND]
    assert listeners.select(both, address="0.0.0.0", port=0, kind="tcp") == [INBOUND]
    assert listeners.short_rows(both) == [
        ("0.0.0.0", "15006", "TCP"),
        ("0.0.0.0", "80", "HTTP+TCP"),
    ]
