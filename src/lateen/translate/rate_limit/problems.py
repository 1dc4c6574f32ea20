"""RateLimits that ask a service which the mesh does not have: `failureMode` decides, always."""

from lateen.api.rate_limit import FailureMode, RateLimit, is_global
from lateen.api.resource import Resource
from lateen.base.incremental import derived
from lateen.base.problem import Problem, Severity
from lateen.translate.rate_limit.limits import KIND
from lateen.translate.rate_limit.service import service_host
from lateen.view import service
from lateen.view.mesh import Mesh

BECOMES = {FailureMode.ALLOW: "pass uncounted", FailureMode.DENY: "are answered 500"}


@derived
def problems(mesh: Mesh) -> tuple[Problem, ...]:
    """Lateen's own service is not looked for: it comes and goes with the need for it."""
    return tuple(
        problem
        for resource in mesh.all_of_kind(KIND)
        if resource.spec.service.host and is_global(resource.spec)
        if (problem := _unknown_service(mesh, resource)) is not None
    )


def _unknown_service(mesh: Mesh, resource: Resource[RateLimit]) -> Problem | None:
    asked = resource.spec.service
    host = service_host(mesh, resource.spec, resource.namespace)
    found = [service.service(mesh, host, namespace) for namespace in service.namespaces(mesh, host)]
    if any(each is not None and each.port(asked.port) is not None for each in found):
        return None
    origin = mesh.origin(resource.key)
    return Problem(
        code="rate-limit-service",
        message=(
            f"{host}:{asked.port} is no port of a service of the mesh; requests "
            f"{BECOMES[asked.failure_mode]}"
        ),
        severity=Severity.WARNING,
        resource=str(resource.key),
        path="spec.service.host" if not found else "spec.service.port",
        file=origin.file,
        line=origin.line,
        hint="name a service with its port, or leave host out for the one that ships with Lateen",
    )
