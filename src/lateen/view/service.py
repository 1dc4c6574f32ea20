"""The services of the mesh by hostname and namespace, and what serves them."""

from lateen.base.incremental import derived
from lateen.catalog.service import Endpoint, Service
from lateen.view.mesh import Mesh


@derived
def service(mesh: Mesh, hostname: str, namespace: str) -> Service | None:
    """The service of that hostname that the namespace defines, whoever may see it."""
    raise NotImplementedError


@derived
def namespaces(mesh: Mesh, hostname: str) -> tuple[str, ...]:
    """Which namespaces define the hostname, sorted."""
    raise NotImplementedError


@derived
def endpoints(mesh: Mesh, hostname: str, namespace: str) -> tuple[Endpoint, ...]:
    """Of all ports (see Endpoint.service_port), sorted."""
    raise NotImplementedError


@derived
def service_accounts(mesh: Mesh, hostname: str, namespace: str) -> tuple[str, ...]:
    """SPIFFE URIs that its endpoints run as, and its subjectAltNames; sorted."""
    raise NotImplementedError
