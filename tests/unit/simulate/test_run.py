"""Where calls end, from the listener to the cluster."""

from typing import Any

from lateen.simulate.call import Action, Application, Call, Failure, Security
from lateen.simulate.configuration import Configuration
from lateen.simulate.run import run
from tests.unit.simulate.worlds import (
    configuration,
    http_chain,
    listener,
    route,
    routes,
    tcp_chain,
    with_tls,
)


def held(*listeners: Any, tables: tuple[Any, ...] = ()) -> Configuration:
    return Configuration(listeners=listeners, routes={table.name: table for table in tables})


def test_a_request_is_followed_to_its_cluster() -> None:
    table = routes("80", web=[route("r", "outbound|80||web")])

    outcome = run(held(listener("0.0.0.0_80", 80, http_chain()), tables=(table,)), Call(port=80))

    assert outcome.failure is None
    assert (outcome.listener, outcome.route_configuration) == ("0.0.0.0_80", "80")
    assert (outcome.virtual_host, outcome.route) == ("web", "r")
    assert (outcome.action, outcome.cluster) == (Action.FORWARD, "outbound|80||web")


def test_bytes_go_where_the_tcp_proxy_says() -> None:
    made = held(listener("0.0.0.0_1", 1, tcp_chain("db")))

    assert run(made, Call(port=1, application=Application.TCP)).cluster == "db"


def test_nothing_listens() -> None:
    assert run(held(), Call(port=80)).failure is Failure.NO_LISTENER


def test_plaintext_does_not_pass_tls_and_strangers_do_not_pass_mutual_tls() -> None:
    made = held(listener("0.0.0.0_1", 1, with_tls(tcp_chain("db"), mutual=True)))

    def failure(security: Security) -> Failure | None:
        call = Call(port=1, application=Application.TCP, security=security)
        return run(made, call).failure

    assert failure(Security.PLAINTEXT) is Failure.TLS_EXPECTED
    assert failure(Security.TLS) is Failure.MUTUAL_TLS_MISMATCH
    assert failure(Security.MUTUAL) is None


def test_http_needs_requests_that_can_be_read() -> None:
    made = held(listener("0.0.0.0_1", 1, http_chain()), tables=(routes("80", a=[route("a")]),))

    assert run(made, Call(port=1, application=Application.TCP)).failure is Failure.PROTOCOL
    assert run(made, Call(port=1, security=Security.TLS)).failure is Failure.PROTOCOL


def test_unknown_hosts_and_paths_are_not_found() -> None:
    hosts = [{"name": "a", "domains": ["a"], "routes": [route("r", prefix="/x")]}]
    made = held(listener("0.0.0.0_1", 1, http_chain()), tables=(configuration("80", hosts),))

    assert run(made, Call(port=1, host="b")).failure is Failure.NO_VIRTUAL_HOST
    assert run(made, Call(port=1, host="a")).failure is Failure.NO_ROUTE
    assert run(held(*made.listeners), Call(port=1)).failure is Failure.NO_VIRTUAL_HOST


def test_hosts_that_require_tls_redirect_plaintext() -> None:
    hosts = [{"name": "a", "domains": ["*"], "require_tls": "ALL", "routes": [route("r")]}]
    made = held(listener("0.0.0.0_1", 1, http_chain()), tables=(configuration("80", hosts),))

    assert run(made, Call(port=1, host="a")).failure is Failure.TLS_REDIRECT
