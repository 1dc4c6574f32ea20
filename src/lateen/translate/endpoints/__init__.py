"""ClusterLoadAssignments: which addresses serve a cluster, by locality, ranked for the client.

    view.service.endpoints
      -> groups      the endpoints of one port, by locality
      -> part        the bytes of one locality: address, health, weight, metadata
      -> ranking     which localities come first, or how traffic is spread over them
      -> assignment  the parts joined

Where there are many endpoints, a change of one makes one part anew. Clients share everything but
the ranking, and that too unless they are in different places.
"""

from lateen.translate.endpoints.assignment import assignment, endpoints, exist
from lateen.translate.endpoints.local import cell

__all__ = ["assignment", "cell", "endpoints", "exist"]
