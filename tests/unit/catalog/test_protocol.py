"""Protocol of a port."""

import pytest

from lateen.catalog.protocol import of_kubernetes_port, parse
from lateen.catalog.service import Protocol


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tcp", Protocol.TCP),
        ("Http_Proxy", Protocol.HTTP_PROXY),
        ("HTTP2", Protocol.HTTP2),
        ("GRPC-Web", Protocol.GRPC_WEB),
        ("MySQL", Protocol.MYSQL),
        ("MONGO", Protocol.MONGO),
        ("", Protocol.UNSUPPORTED),
        ("HBONE", Protocol.UNSUPPORTED),
    ],
)
def test_protocol_field_is_read_in_any_case(name: str, expected: Protocol) -> None:
    assert parse(name) is expected


@pytest.mark.parametrize(
    ("number", "name", "app_protocol", "expected"),
    [
        (8888, "https-test", None, Protocol.HTTPS),
        (8888, "http2", None, Protocol.HTTP2),
        (8888, "grpc-web-x", None, Protocol.GRPC_WEB),
        (8888, "grpcweb-x", None, Protocol.UNSUPPORTED),
        (8888, "httptest", None, Protocol.UNSUPPORTED),
        (8888, "tcp", "http", Protocol.HTTP),
        (8888, "x", "kubernetes.io/h2c", Protocol.HTTP2),
        (8888, "x", "kubernetes.io/ws", Protocol.HTTP),
        (8888, "x", "kubernetes.io/wss", Protocol.HTTPS),
        (8888, "http", "unknown/x", Protocol.UNSUPPORTED),
        (25, "", None, Protocol.TCP),
        (3306, "", None, Protocol.TCP),
        (27017, "x", None, Protocol.TCP),
        (3306, "http", None, Protocol.HTTP),
    ],
)
def test_kubernetes_port_by_app_protocol_then_name_then_number(
    number: int, name: str, app_protocol: str | None, expected: Protocol
) -> None:
    made = of_kubernetes_port(number, name=name, transport="TCP", app_protocol=app_protocol)

    assert made is expected


def test_udp_is_udp_whatever_its_name() -> None:
    made = of_kubernetes_port(80, name="http", transport="UDP", app_protocol="http")

    assert made is Protocol.UDP
