from typing import Any

from lateen.cli.dump import clusters

RULE = {"filter_metadata": {"istio": {"config": "/apis/n/v1/namespaces/shop/destination-rule/r"}}}
FOUND: list[dict[str, Any]] = [
    {"name": "outbound|80|v1|reviews.shop.svc", "type": "EDS", "metadata": RULE},
    {"name": "inbound|8080||", "type": "ORIGINAL_DST"},
    {"name": "BlackHoleCluster"},
    {"name": "outbound_.80_._.db.shop.svc", "type": "EDS"},
]


def names(**wanted: object) -> list[str]:
    options = {"fqdn": "", "port": 0, "direction": "", "subset": ""} | wanted
    return [item["name"] for item in clusters.select(FOUND, **options)]  # type: ignore[arg-type]


def test_names_are_taken_apart() -> None:
    assert clusters.rows(FOUND) == [
        ("reviews.shop.svc", "80", "v1", "outbound", "EDS", "r.shop"),
        ("", "8080", "-", "inbound", "ORIGINAL_DST", ""),
        ("BlackHoleCluster", "-", "-", "-", "STATIC", ""),
        ("db.shop.svc", "80", "-", "outbound", "EDS", ""),
    ]


def test_clusters_are_chosen_by_each_part_of_their_names() -> None:
    assert names(fqdn="reviews") == [FOUND[0]["name"]]
    assert names(direction="inbound") == ["inbound|8080||"]
    assert names(port=80) == ["outbound_.80_._.db.shop.svc", FOUND[0]["name"]]
    assert names(subset="v1") == [FOUND[0]["name"]]
