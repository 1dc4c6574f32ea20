"""MeshNetworks: endpoints and gateways of each network."""

from lateen.api.mesh_networks import IstioNetworkGateway, MeshNetworks, NetworkEndpoints
from lateen.api.resource import Resource
from lateen.config.validation import names
from lateen.config.validation.report import Report


def check(resource: Resource[MeshNetworks], report: Report) -> None:
    check_networks(report, resource.spec)


def check_networks(report: Report, spec: MeshNetworks) -> None:
    for name, network in spec.networks.items():
        path = f"networks[{name}]"
        if not name:
            report.error(path, "a network must have a name")
        for index, endpoints in enumerate(network.endpoints):
            check_endpoints(report, f"{path}.endpoints[{index}]", endpoints)
        for index, gateway in enumerate(network.gateways):
            check_gateway(report, f"{path}.gateways[{index}]", gateway)


def check_endpoints(report: Report, path: str, endpoints: NetworkEndpoints) -> None:
    if endpoints.from_cidr is None and endpoints.from_registry is None:
        report.error(path, "either fromRegistry or fromCidr must be set")
    if endpoints.from_cidr is not None:
        names.check_subnet(report, f"{path}.fromCidr", endpoints.from_cidr)
    if endpoints.from_registry is not None and not names.is_fqdn(endpoints.from_registry):
        report.error(f"{path}.fromRegistry", f'"{endpoints.from_registry}" is not a registry name')


def check_gateway(report: Report, path: str, gateway: IstioNetworkGateway) -> None:
    if gateway.registry_service_name is None and gateway.address is None:
        report.error(path, "either registryServiceName or address must be set")
    for field, value in (
        ("registryServiceName", gateway.registry_service_name),
        ("address", gateway.address),
    ):
        if value is not None and not names.is_ip(value) and not names.is_fqdn(value):
            report.error(f"{path}.{field}", f'"{value}" is neither an address nor a domain name')
    names.check_port(report, f"{path}.port", gateway.port)
