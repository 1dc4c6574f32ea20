from lateen.api.resource import Key
from lateen.translate import names


def test_both_spellings_of_a_cluster_name_say_the_same() -> None:
    expected = names.ClusterParts("outbound", 80, "v1", "reviews.shop.svc.cluster.local")

    assert names.parse_cluster("outbound|80|v1|reviews.shop.svc.cluster.local") == expected
    assert names.parse_cluster("outbound_.80_.v1_.reviews.shop.svc.cluster.local") == expected


def test_other_names_are_no_cluster_names_of_services() -> None:
    for name in ("PassthroughCluster", "outbound|x||a", "sds-grpc", "a|80||b", "outbound|80|a"):
        assert names.parse_cluster(name) is None


def test_a_config_path_leads_back_to_its_resource() -> None:
    key = Key("DestinationRule", "shop", "reviews")
    path = "/apis/networking.istio.io/v1/namespaces/shop/destination-rule/reviews"

    assert names.config_path(key) == path
    assert names.parse_config_path(path) == key
    assert names.parse_config_path("/apis/x") is None


def test_stat_names_are_filled_in() -> None:
    made = names.format_stat_name(
        "%SERVICE%_%SERVICE_FQDN%_%SERVICE_PORT%_%SERVICE_PORT_NAME%_%SUBSET_NAME%",
        host="a.b.svc.cluster.local", namespace="b", service="a", port=80, port_name="http",
        subset="v1",
    )  # fmt: skip

    assert made == "a.b_a.b.svc.cluster.local_80_http_v1"
