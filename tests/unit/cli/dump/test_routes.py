import pytest

from lateen.cli.dump import routes


@pytest.mark.parametrize(
    ("domains", "shown"),
    [
        ([], ""),
        (["example.com"], "example.com"),
        (
            [
                "example.com", "example.com:8080", "www.example.com", "www.example.com:8080",
                "[fd00:10:96::7fc7]", "[fd00:10:96::7fc7]:8080",
            ],
            "example.com, www.example.com + 1 more...",
        ),
    ],
)  # fmt: skip
def test_domains_are_shown_without_their_ports(domains: list[str], shown: str) -> None:
    assert routes.describe_domains(domains) == shown


def test_longer_forms_of_a_name_are_left_out() -> None:
    host = "a.shop.svc.cluster.local"
    domains = [host, f"{host}.", "a", "a.shop", "a.shop.svc", "10.96.0.1"]

    assert routes.describe_domains(domains) == "a, a.shop + 1 more..."


def test_each_route_is_a_row_that_names_its_virtual_service() -> None:
    metadata = {
        "filter_metadata": {"istio": {"config": "/apis/n/v1/namespaces/a/virtual-service/b"}}
    }
    config = {
        "name": "80",
        "virtual_hosts": [
            {
                "name": "h:80",
                "domains": ["h"],
                "routes": [
                    {"match": {"prefix": "/x"}, "metadata": metadata},
                    {"match": {"safe_regex": {"regex": "a+"}}},
                ],
            },
            {"name": "none", "domains": ["*"]},
        ],
    }

    assert routes.rows([config]) == [
        ("80", "h:80", "h", "/x*", "b.a"),
        ("80", "h:80", "h", "regex a+", ""),
        ("80", "none", "*", "/*", "404"),
    ]


def test_numbered_tables_come_in_order_of_their_ports() -> None:
    found = routes.select([{"name": "9080"}, {"name": "http.80"}, {"name": "80"}], name="")

    assert [item["name"] for item in found] == ["80", "9080", "http.80"]
