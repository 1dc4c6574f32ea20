"""A mesh of N services as resources: what generation is measured on.

Service i is a ServiceEntry with three endpoints in two versions; every fifth has a VirtualService
(header match, weights, retries) and a DestinationRule (two subsets, pools, outlier detection).
Proxies of namespace `open` see everything, those of `scoped` the first 20 services.
"""

from lateen.api.resource import Change
from lateen.config.documents import read

NAMESPACES = 20
SCOPE = 20

SIDECAR = """
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {{name: default, namespace: scoped}}
spec: {{egress: [{{hosts: [{hosts}]}}]}}
"""


def namespace(number: int) -> str:
    return f"ns-{number % NAMESPACES:02d}"


def host(number: int) -> str:
    return f"svc-{number:04d}.{namespace(number)}.mesh.internal"


def service(number: int, third: str = "") -> str:
    first = f"10.{100 + number // 250}.{number % 250}"
    addresses = (f"{first}.1", f"{first}.2", third or f"{first}.3")
    endpoints = "".join(
        f"  - {{address: {address}, locality: region/zone-{index % 2}, serviceAccount: sa-{number},"
        f" labels: {{app: svc-{number}, version: v{2 if index == 2 else 1}}}}}\n"
        for index, address in enumerate(addresses)
    )
    return f"""
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: svc-{number}, namespace: {namespace(number)}}}
spec:
  hosts: [{host(number)}]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{{number: 80, name: http, protocol: HTTP, targetPort: 8080}}]
  endpoints:
{endpoints}"""


def route(number: int, header: str = "first") -> str:
    to = f"host: {host(number)}, subset"
    return f"""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: svc-{number}, namespace: {namespace(number)}}}
spec:
  hosts: [{host(number)}]
  http:
  - match: [{{headers: {{x-version: {{exact: {header}}}}}}}]
    route: [{{destination: {{{to}: v2}}}}]
  - route:
    - {{destination: {{{to}: v1}}, weight: 90}}
    - {{destination: {{{to}: v2}}, weight: 10}}
    retries: {{attempts: 3, perTryTimeout: 2s}}
    timeout: 5s
"""


def rule(number: int) -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: svc-{number}, namespace: {namespace(number)}}}
spec:
  host: {host(number)}
  subsets: [{{name: v1, labels: {{version: v1}}}}, {{name: v2, labels: {{version: v2}}}}]
  trafficPolicy:
    connectionPool: {{tcp: {{maxConnections: 100}}}}
    outlierDetection: {{consecutive5xxErrors: 5, interval: 10s}}
"""


def changes(text: str) -> tuple[Change, ...]:
    reading = read(text)
    assert not reading.problems, str(reading.problems[0])
    return tuple(Change(resource.key, resource) for resource in reading.resources)


def mesh_of(services: int) -> tuple[Change, ...]:
    hosts = ", ".join(f'"{namespace(number)}/{host(number)}"' for number in range(SCOPE))
    parts = [service(number) for number in range(services)]
    for number in range(2, services, 5):
        parts += [route(number), rule(number)]
    return changes("---".join((*parts, SIDECAR.format(hosts=hosts))))
