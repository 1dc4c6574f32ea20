from lateen.view.proxy import ProxyClass
from lateen.xds import kinds
from lateen.xds.mesh_catalogue import MeshCatalogue
from tests.unit.view.meshes import apply, istio, mesh_of, service

FRONT = ProxyClass(labels=(("app", "front"),))
NAME = "outbound|80||reviews.default.svc.cluster.local"
FOR_FRONT = istio(
    "DestinationRule",
    "front-only",
    "host: reviews, workloadSelector: {matchLabels: {app: front}}, "
    "trafficPolicy: {loadBalancer: {simple: RANDOM}}",
)


def test_a_proxy_moves_when_something_begins_to_ask_for_its_labels() -> None:
    mesh = mesh_of(service("reviews", "selector: {app: reviews}, ports: [{name: http, port: 80}]"))
    catalogue = MeshCatalogue(mesh)
    before = catalogue.classify(FRONT).read()
    shared = catalogue.cell(before, kinds.CLUSTER, NAME)

    apply(mesh, FOR_FRONT)
    after = catalogue.classify(FRONT).read()

    assert after != before
    assert catalogue.cell(after, kinds.CLUSTER, NAME).read() != shared.read()
