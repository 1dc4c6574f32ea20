"""Kinds of the Kubernetes Gateway API, loosely: fields as written, unchecked.

They are carried so that nothing is lost on the way in; no translation reads them yet.
"""

from typing import Any

from lateen.api.resource import OpenSpec


class GatewayClassSpec(OpenSpec, frozen=True):
    controller_name: str = ""
    description: str = ""
    parameters_ref: dict[str, Any] | None = None


class GatewaySpec(OpenSpec, frozen=True):
    gateway_class_name: str = ""
    listeners: tuple[dict[str, Any], ...] = ()
    addresses: tuple[dict[str, Any], ...] = ()
    infrastructure: dict[str, Any] | None = None
    allowed_listeners: dict[str, Any] | None = None
    tls: dict[str, Any] | None = None


class RouteSpec(OpenSpec, frozen=True):
    """HTTPRoute, GRPCRoute, TLSRoute, TCPRoute and UDPRoute."""

    parent_refs: tuple[dict[str, Any], ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[dict[str, Any], ...] = ()


class ReferenceGrantSpec(OpenSpec, frozen=True):
    from_: tuple[dict[str, Any], ...] = ()
    to: tuple[dict[str, Any], ...] = ()


class BackendTLSPolicySpec(OpenSpec, frozen=True):
    target_refs: tuple[dict[str, Any], ...] = ()
    validation: dict[str, Any] | None = None
    options: dict[str, str] = {}


class ListenerSetSpec(OpenSpec, frozen=True):
    parent_ref: dict[str, Any] | None = None
    listeners: tuple[dict[str, Any], ...] = ()
