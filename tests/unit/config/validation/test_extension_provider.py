"""Extension providers of a MeshConfig."""

import pytest

from tests.unit.config.validation.test_mesh_config import mesh


@pytest.mark.parametrize(
    ("provider", "problems"),
    [
        ("zipkin: {service: ns/zipkin.tracing, port: 9411}", []),
        ("zipkin: {service: 10.0.0.1, port: 9411}", []),
        ("envoyFileAccessLog: {path: /dev/stdout}", []),
        ("zipkin: {service: 'a:9411', port: 9411}", ["error .zipkin.service"]),
        ("zipkin: {service: a/b/c, port: 9411}", ["error .zipkin.service"]),
        ("zipkin: {service: '', port: 9411}", ["error .zipkin.service"]),
        ("zipkin: {service: a}", ["error .zipkin.port"]),
        ("lightstep: {service: a, port: 1}", ["error .lightstep.accessToken"]),
        ("opentelemetry: {service: a, port: 1, http: {path: v1}}",
         ["error .opentelemetry.http.path"]),
        ("envoyExtAuthzHttp: {service: a, port: 1, statusOnError: teapot}",
         ["error .envoyExtAuthzHttp.statusOnError"]),
        ("envoyExtAuthzHttp: {service: a, port: 1, pathPrefix: check}",
         ["error .envoyExtAuthzHttp.pathPrefix"]),
        ("envoyExtAuthzHttp: {service: a, port: 1, headersToUpstreamOnAllow: ['*']}",
         ["error .envoyExtAuthzHttp.headersToUpstreamOnAllow[0]"]),
        ("envoyExtAuthzGrpc: {service: a, port: 1, includeRequestBodyInCheck: {}}",
         ["error .envoyExtAuthzGrpc.includeRequestBodyInCheck.maxRequestBytes"]),
        ("", ["error "]),
    ],
)  # fmt: skip
def test_a_provider_names_its_service(provider: str, problems: list[str]) -> None:
    text = f"{{extensionProviders: [{{name: mine, {provider}}}]}}"
    assert [one.replace("extensionProviders[3]", "") for one in mesh(text)] == problems
