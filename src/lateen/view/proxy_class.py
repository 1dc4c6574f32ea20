"""From a node's id and metadata to its Proxy and ProxyClass."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lateen.base.errors import LateenError
from lateen.base.incremental import derived
from lateen.view.mesh import Mesh
from lateen.view.proxy import Proxy, ProxyClass


class NodeError(LateenError):
    """A node id that is not `type~ip~name.namespace~domain`."""


def proxy_from_node(node_id: str, metadata: Mapping[str, Any], mesh: Mesh) -> Proxy:
    """`node_id` is Istio's `sidecar~10.0.0.1~name.namespace~namespace.svc.cluster.local`."""
    raise NotImplementedError


def proxy_from_description(description: Mapping[str, Any], mesh: Mesh) -> Proxy:
    """The NODE object of `lateen render`: type, name, namespace, ip(s), labels, metadata, ..."""
    raise NotImplementedError


@derived
def classify(mesh: Mesh, full: ProxyClass) -> ProxyClass:
    """`full` without what no configuration depends on at this instant (addresses, volatile labels).

    A connected proxy's class can change with the mesh: observe this node and move its streams.
    """
    raise NotImplementedError
