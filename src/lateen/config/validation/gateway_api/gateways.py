"""GatewayClass, Gateway and ListenerSet."""

import re
from collections.abc import Collection, Sequence

from lateen.api.gateway_api.gateway import (
    GatewayClassSpec,
    GatewaySpec,
    GatewaySpecAddress,
    Listener,
    ListenerSetSpec,
    ListenerTLSConfig,
)
from lateen.api.gateway_api.references import FromNamespaces
from lateen.api.resource import Resource
from lateen.config.validation.gateway_api import references, shapes
from lateen.config.validation.names import is_ip
from lateen.config.validation.report import Report

CONTROLLER = re.compile(rf"{shapes.SUBDOMAIN.pattern}/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+")
PROTOCOL = re.compile(
    rf"[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?|{shapes.SUBDOMAIN.pattern}/[A-Za-z0-9]+"
)
WITHOUT_TLS, WITHOUT_HOSTNAME = ("HTTP", "TCP", "UDP"), ("TCP", "UDP")
MODES = ("Terminate", "Passthrough")
FROM = ("All", "Selector", "Same")
MOST_LISTENERS, MOST_CERTIFICATES, MOST_KINDS, MOST_ADDRESSES = 64, 64, 8, 16
MOST_LABELS = 8


def check_class(resource: Resource[GatewayClassSpec], report: Report) -> None:
    name = resource.spec.controller_name
    if len(name) > shapes.LONGEST_NAME or not CONTROLLER.fullmatch(name):
        hint = "such as istio.io/gateway-controller"
        report.error("spec.controllerName", f'"{name}" must be a domain and a path', hint)


def check_gateway(resource: Resource[GatewaySpec], report: Report) -> None:
    spec = resource.spec
    shapes.check_object_name(report, "spec.gatewayClassName", spec.gateway_class_name)
    shapes.check_count(report, "spec.listeners", spec.listeners, most=MOST_LISTENERS)
    if not spec.listeners:
        report.warning("spec.listeners", "are missing: nothing is served, but for ListenerSets")
    _check_listeners(report, spec.listeners, needs_port=True)
    _check_addresses(report, spec.addresses)
    if spec.infrastructure is not None:
        labels = tuple(spec.infrastructure.labels)
        shapes.check_count(report, "spec.infrastructure.labels", labels, most=MOST_LABELS)
    if spec.tls is not None and spec.tls.backend is not None and spec.addresses:
        message = "has no effect on proxies that are named by addresses"
        report.warning("spec.tls.backend", message)
    allowed = spec.allowed_listeners
    if allowed is not None and allowed.namespaces is not None:
        place = "spec.allowedListeners.namespaces"
        _check_from(report, place, allowed.namespaces, (*FROM, "None"))


def check_listener_set(resource: Resource[ListenerSetSpec], report: Report) -> None:
    spec = resource.spec
    if spec.parent_ref is None:
        report.error("spec.parentRef", "must be set")
    else:
        references.check_parent(report, "spec.parentRef", spec.parent_ref)
    shapes.check_count(report, "spec.listeners", spec.listeners, least=1, most=MOST_LISTENERS)
    _check_listeners(report, spec.listeners, needs_port=False)


def _check_listeners(report: Report, listeners: Sequence[Listener], *, needs_port: bool) -> None:
    path = "spec.listeners"
    shapes.check_unique(report, path, "name", (each.name for each in listeners))
    taken: dict[tuple[int, str, str], str] = {}
    for index, listener in enumerate(listeners):
        place = f"{path}[{index}]"
        _check_listener(report, place, listener, needs_port=needs_port)
        slot = (listener.port, listener.protocol, listener.hostname)
        if slot in taken:
            message = f'has the port, protocol and hostname of listener "{taken[slot]}"'
            report.error(place, message)
        taken.setdefault(slot, listener.name)


def _check_listener(report: Report, path: str, listener: Listener, *, needs_port: bool) -> None:
    protocol = listener.protocol
    shapes.check_subdomain(report, f"{path}.name", listener.name)
    if listener.port or needs_port:
        shapes.check_port(report, f"{path}.port", listener.port)
    if not PROTOCOL.fullmatch(protocol):
        report.error(f"{path}.protocol", f'"{protocol}" is no name of a protocol')
    if listener.hostname:
        if protocol in WITHOUT_HOSTNAME:
            report.error(f"{path}.hostname", f"cannot be set for protocol {protocol}")
        shapes.check_hostname(report, f"{path}.hostname", listener.hostname, wildcard=True)
    if listener.tls is not None:
        _check_tls(report, f"{path}.tls", protocol, listener.tls)
    elif protocol == "TLS":
        report.error(f"{path}.tls", "must be set for protocol TLS", "with mode Passthrough, say")
    allowed = listener.allowed_routes
    if allowed is not None:
        place = f"{path}.allowedRoutes"
        shapes.check_count(report, f"{place}.kinds", allowed.kinds, most=MOST_KINDS)
        if allowed.namespaces is not None:
            _check_from(report, f"{place}.namespaces", allowed.namespaces, (*FROM, "None"))


def _check_tls(report: Report, path: str, protocol: str, tls: ListenerTLSConfig) -> None:
    if protocol in WITHOUT_TLS:
        report.error(path, f"cannot be set for protocol {protocol}")
        return
    shapes.check_one_of(report, f"{path}.mode", tls.mode, MODES)
    if protocol == "HTTPS" and tls.mode == "Passthrough":
        report.error(f"{path}.mode", "must be Terminate for protocol HTTPS", "protocol: TLS")
    if tls.mode == "Terminate" and not tls.certificate_refs and not tls.options:
        report.error(f"{path}.certificateRefs", "or options must be set for mode Terminate")
    shapes.check_count(
        report, f"{path}.certificateRefs", tls.certificate_refs, most=MOST_CERTIFICATES
    )
    for index, reference in enumerate(tls.certificate_refs):
        place = f"{path}.certificateRefs[{index}]"
        shapes.check_object_name(report, f"{place}.name", reference.name)


def _check_from(
    report: Report, path: str, namespaces: FromNamespaces, known: Collection[str]
) -> None:
    chosen = namespaces.from_
    if chosen:
        shapes.check_one_of(report, f"{path}.from", chosen, known)
    if chosen == "Selector" and namespaces.selector is None:
        report.error(f"{path}.selector", "must be set with from: Selector")


def _check_addresses(report: Report, addresses: Sequence[GatewaySpecAddress]) -> None:
    path = "spec.addresses"
    shapes.check_count(report, path, addresses, most=MOST_ADDRESSES)
    for index, each in enumerate(addresses):
        place = f"{path}[{index}].value"
        if each.type == "IPAddress" and each.value and not is_ip(each.value):
            report.error(place, f'"{each.value}" is no IP address', "type: Hostname for a name")
        if each.type == "Hostname" and each.value:
            shapes.check_hostname(report, place, each.value, wildcard=False)
    values = (f"{each.type} {each.value}" if each.value else "" for each in addresses)
    shapes.check_unique(report, path, "value", values)
