"""MeshNetworks: which endpoints are on which network, and by what gateways it is reached."""

from lateen.api.resource import Spec
from lateen.api.scalars import UInt32


class NetworkEndpoints(Spec, frozen=True):
    """Network.NetworkEndpoints"""

    ONEOFS = (("from_cidr", "from_registry"),)

    from_cidr: str | None = None
    from_registry: str | None = None


class IstioNetworkGateway(Spec, frozen=True):
    """Network.IstioNetworkGateway"""

    ONEOFS = (("registry_service_name", "address"),)

    registry_service_name: str | None = None
    address: str | None = None
    port: UInt32 = 0
    locality: str = ""


class Network(Spec, frozen=True):
    endpoints: tuple[NetworkEndpoints, ...] = ()
    gateways: tuple[IstioNetworkGateway, ...] = ()


class MeshNetworks(Spec, frozen=True):
    networks: dict[str, Network] = {}
