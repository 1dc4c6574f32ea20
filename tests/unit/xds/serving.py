"""A discovery server on a free port of loopback, for the length of a block."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lateen.base.clock import system_clock
from lateen.base.metrics import Registry
from lateen.xds.server import Admission, DiscoveryServer
from lateen.xds.transport.limits import Limits
from lateen.xds.transport.listener import Listener, parse_address
from tests.unit.xds.plain_mesh import PlainMesh


@asynccontextmanager
async def serving(
    mesh: PlainMesh,
    *,
    admission: Admission = lambda call, proxy, metadata: "spiffe://test",
    limits: Limits | None = None,
) -> AsyncIterator[tuple[DiscoveryServer, int]]:
    server = DiscoveryServer(mesh, clock=system_clock, metrics=Registry(), admission=admission)
    listener = Listener(
        parse_address("127.0.0.1:0"), server.methods(), tls=None, limits=limits or Limits()
    )
    await listener.start()
    try:
        yield server, listener.address.port
    finally:
        await listener.stop(0)
        server.stop()
