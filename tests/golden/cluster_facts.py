"""What users and tools can see of clusters and endpoints, in a form two generators can share.

Left out: the order of clusters, what each side adds for itself (a network filter, metadata), and
how the same subject alternative names are written (Lateen gives their type, Istio's field is
deprecated). An ALPN offer for HTTP counts as that for bytes: Istio's proxy replaces the one by the
other for each request, Lateen where it can once in the cluster.
"""

from pathlib import Path
from typing import Any

from lateen.translate import alpn, tls

RECORDED = Path(__file__).parent / "istio_clusters"
OMITTED = ("filters", "metadata_exchange", "lateen")
FOR_BYTES = {alpn.HTTP1_OFFER: tls.MESH_ALPN, alpn.HTTP2_OFFER: tls.MESH_ALPN_H2}
NAMES = ("match_subject_alt_names", "match_typed_subject_alt_names")

Message = dict[str, Any]


def cluster_facts(clusters: list[Message]) -> dict[str, Message]:
    return {cluster["name"]: _plain(cluster) for cluster in clusters}


def endpoint_facts(assignments: list[Message]) -> dict[str, list[Message]]:
    return {
        assignment["cluster_name"]: [_plain(place) for place in assignment.get("endpoints", [])]
        for assignment in assignments
    }


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "api_config_source" in value:
        waits = "initial_fetch_timeout" in value
        return "agent, waits" if waits else "agent"
    found = {key: _plain(item) for key, item in value.items() if key not in (*OMITTED, *NAMES)}
    if "alpn_protocols" in value:
        offer = tuple(value["alpn_protocols"])
        found["alpn_protocols"] = list(FOR_BYTES.get(offer, offer))
    for key in NAMES:
        if key in value:
            found["names"] = sorted({_name(item) for item in value[key]})
    return found


def _name(entry: Message) -> str:
    matcher = entry.get("matcher", entry)
    return str(matcher.get("exact") or f"{matcher.get('prefix')}*")
