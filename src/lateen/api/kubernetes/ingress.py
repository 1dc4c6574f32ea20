"""Ingress and IngressClass."""

from typing import Any

from lateen.api.resource import OpenSpec
from lateen.api.scalars import Int32


class ServiceBackendPort(OpenSpec, frozen=True):
    name: str = ""
    number: Int32 = 0


class IngressServiceBackend(OpenSpec, frozen=True):
    name: str = ""
    port: ServiceBackendPort | None = None


class IngressBackend(OpenSpec, frozen=True):
    service: IngressServiceBackend | None = None
    resource: dict[str, Any] | None = None


class HTTPIngressPath(OpenSpec, frozen=True):
    path: str = ""
    path_type: str | None = None
    backend: IngressBackend | None = None


class HTTPIngressRuleValue(OpenSpec, frozen=True):
    paths: tuple[HTTPIngressPath, ...] = ()


class IngressRule(OpenSpec, frozen=True):
    host: str = ""
    http: HTTPIngressRuleValue | None = None


class IngressTLS(OpenSpec, frozen=True):
    hosts: tuple[str, ...] = ()
    secret_name: str = ""


class IngressSpec(OpenSpec, frozen=True):
    ingress_class_name: str | None = None
    default_backend: IngressBackend | None = None
    tls: tuple[IngressTLS, ...] = ()
    rules: tuple[IngressRule, ...] = ()


class IngressClassSpec(OpenSpec, frozen=True):
    controller: str = ""
    parameters: dict[str, Any] | None = None


Ingress = IngressSpec
