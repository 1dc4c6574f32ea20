"""Extension providers: the service that each names, its port, and what it needs besides."""

from typing import Any

from lateen.api.extension_provider import (
    PROVIDERS,
    EnvoyExternalAuthorizationGrpcProvider,
    EnvoyExternalAuthorizationHttpProvider,
    ExtensionProvider,
)
from lateen.config.validation import names
from lateen.config.validation.http import check_duration
from lateen.config.validation.report import Report

WITH_SERVICE = tuple(
    name for name in PROVIDERS if name not in ("stackdriver", "prometheus", "envoy_file_access_log")
)


def check_provider(report: Report, path: str, provider: ExtensionProvider) -> None:
    if not provider.name:
        report.error(f"{path}.name", "provider name must be set")
    present = [name for name in PROVIDERS if getattr(provider, name) is not None]
    if not present:
        report.error(path, "a provider must be of one kind", "for example zipkin or opentelemetry")
    for name in present:
        where = f"{path}.{camel(name)}"
        one = getattr(provider, name)
        if name in WITH_SERVICE:
            check_service(report, where, one)
        if isinstance(
            one, EnvoyExternalAuthorizationHttpProvider | EnvoyExternalAuthorizationGrpcProvider
        ):
            check_authorizer(report, where, one)
    if provider.lightstep is not None and not provider.lightstep.access_token:
        report.error(f"{path}.lightstep.accessToken", "access token is required")
    http = provider.opentelemetry.http if provider.opentelemetry is not None else None
    if http is not None and not http.path.startswith("/"):
        report.error(f"{path}.opentelemetry.http.path", "path must begin with /")


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def check_service(report: Report, path: str, provider: Any) -> None:
    fault = service_fault(provider.service)
    if fault:
        report.error(f"{path}.service", fault)
    if not 1 <= provider.port <= 65535:
        report.error(f"{path}.port", f"port must be from 1 to 65535, not {provider.port}")


def service_fault(service: str) -> str:
    """`[namespace/]host`, without a port."""
    namespace, slash, host = service.partition("/")
    if not slash:
        namespace, host = "", service
    if not host:
        return "service must be set"
    if slash and not names.is_namespace(namespace):
        return f'"{service}": "{namespace}" is not a namespace'
    if not names.is_ip(host) and not names.is_fqdn(host):
        return f'"{service}" is not of the form [NAMESPACE/]HOST, without a port'
    return ""


def check_authorizer(
    report: Report,
    path: str,
    provider: EnvoyExternalAuthorizationHttpProvider | EnvoyExternalAuthorizationGrpcProvider,
) -> None:
    check_duration(report, f"{path}.timeout", provider.timeout)
    status = provider.status_on_error
    if status and not (status.isdigit() and 100 <= int(status) <= 599):
        report.error(f"{path}.statusOnError", f'"{status}" is not an HTTP status')
    if isinstance(provider, EnvoyExternalAuthorizationHttpProvider):
        prefix = provider.path_prefix
        if prefix and not prefix.startswith("/"):
            report.error(f"{path}.pathPrefix", f'"{prefix}" must begin with /')
        for field in (
            "include_request_headers_in_check",
            "headers_to_upstream_on_allow",
            "headers_to_downstream_on_deny",
            "headers_to_downstream_on_allow",
        ):
            for index, name in enumerate(getattr(provider, field)):
                check_header_pattern(report, f"{path}.{camel(field)}[{index}]", name)
    body = provider.include_request_body_in_check
    if body is not None and not body.max_request_bytes:
        report.error(f"{path}.includeRequestBodyInCheck.maxRequestBytes", "must be greater than 0")


def check_header_pattern(report: Report, path: str, name: str) -> None:
    if not name:
        report.error(path, "header name must not be empty")
    elif name == "*":
        report.error(path, "a mere * matches every header; write a prefix or suffix")
    elif "*" in name[1:-1]:
        report.error(path, f'"{name}" may have * only at its beginning or end')
