"""Ingress, as the Kubernetes API server checks it."""

from lateen.api.kubernetes.ingress import HTTPIngressPath, IngressBackend, IngressRule, IngressSpec
from lateen.api.resource import Resource
from lateen.config.validation.gateway_api import shapes
from lateen.config.validation.report import Report

PATH_TYPES = ("Exact", "Prefix", "ImplementationSpecific")
FORBIDDEN = ("//", "/./", "/../", "%2f", "%2F")


def check(resource: Resource[IngressSpec], report: Report) -> None:
    spec = resource.spec
    if not spec.rules and spec.default_backend is None:
        report.error("spec", "either defaultBackend or rules must be set")
    if spec.default_backend is not None:
        _check_backend(report, "spec.defaultBackend", spec.default_backend)
    for index, tls in enumerate(spec.tls):
        for number, host in enumerate(tls.hosts):
            place = f"spec.tls[{index}].hosts[{number}]"
            shapes.check_hostname(report, place, host, wildcard=True)
    for index, rule in enumerate(spec.rules):
        _check_rule(report, f"spec.rules[{index}]", rule)


def _check_rule(report: Report, path: str, rule: IngressRule) -> None:
    if rule.host:
        shapes.check_hostname(report, f"{path}.host", rule.host, wildcard=True)
    if rule.http is None:
        return
    if not rule.http.paths:
        report.error(f"{path}.http.paths", "must not be empty")
    for index, each in enumerate(rule.http.paths):
        _check_path(report, f"{path}.http.paths[{index}]", each)


def _check_path(report: Report, path: str, each: HTTPIngressPath) -> None:
    if each.path_type is None:
        known = ", ".join(PATH_TYPES)
        message = "is not set, which a cluster refuses; here `/a/*` means a prefix then"
        report.warning(f"{path}.pathType", message, f"known are {known}")
    else:
        shapes.check_one_of(report, f"{path}.pathType", each.path_type, PATH_TYPES)
    if each.path_type in ("Exact", "Prefix"):
        if not each.path.startswith("/"):
            report.error(f"{path}.path", f'"{each.path}" must begin with /')
        for part in FORBIDDEN:
            if part in each.path:
                report.error(f"{path}.path", f'"{each.path}" must not contain "{part}"')
    if each.backend is None:
        report.error(f"{path}.backend", "must be set")
    else:
        _check_backend(report, f"{path}.backend", each.backend)


def _check_backend(report: Report, path: str, backend: IngressBackend) -> None:
    if (backend.service is None) == (backend.resource is None):
        report.error(path, "exactly one of service and resource must be set")
    if backend.service is None:
        return
    shapes.check_object_name(report, f"{path}.service.name", backend.service.name)
    port = backend.service.port
    if port is None or (not port.name) == (not port.number):
        report.error(f"{path}.service.port", "exactly one of name and number must be set")
    elif port.number:
        shapes.check_port(report, f"{path}.service.port.number", port.number)
