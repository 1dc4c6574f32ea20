"""The process that owns a running mesh: `python -m lateen.local.runner SETTINGS`.

`lateen up` starts it and watches; with `--detach` it goes on alone. It ends by SIGTERM or, when it
is attached, with whoever started it, and leaves nothing behind but logs and the authority.
"""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import signal
import sys
from dataclasses import asdict, dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path

from lateen.base.errors import LateenError
from lateen.base.tasks import Tasks
from lateen.envoy import schema
from lateen.intercept.rules import Owner
from lateen.local import bridge, cleanup, explicit, modes, netns
from lateen.local.agent_config import DOMAIN
from lateen.local.host import DirectHost, Host, HostHelper
from lateen.local.mesh import DISCOVERY_PORT, LocalMesh, MeshOptions
from lateen.local.network import Network
from lateen.local.outside import Outside
from lateen.local.resolver import Resolver, host_resolvers
from lateen.local.service_directory import ServiceDirectory
from lateen.local.state import MeshState, ProcessId, Record, meshes, registry_lock

log = logging.getLogger(__name__)

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
STATE_SECONDS = 2.0  # how often the state folder is looked for
DNS_PORTS = (53, bridge.RESOLVER_PORT)


@dataclass(frozen=True)
class RunnerSettings:
    folder: str
    state: str
    mode: str  # not auto
    notices: tuple[str, ...] = ()
    attached: bool = True  # ends when standard input does


def command(settings: RunnerSettings) -> tuple[str, ...]:
    return (sys.executable, "-P", "-m", "lateen.local.runner", json.dumps(asdict(settings)))


def main(argv: list[str]) -> int:
    content = json.loads(argv[0])
    settings = RunnerSettings(**{**content, "notices": tuple(content["notices"])})
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    signal.signal(signal.SIGTERM, _leave)  # until the event loop takes over
    state = MeshState(Path(settings.state))
    state.create()
    with open(state.lock, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            log.error("a runner of %s runs already", state.name)
            return 1
        return _run(settings, state)


def _run(settings: RunnerSettings, state: MeshState) -> int:
    cleanup.remove_leftovers(state)
    state.create()
    host: Host = DirectHost()
    network: Network | None = None
    try:
        if settings.mode == modes.USERNS:
            host = HostHelper()
            modes.enter_user_namespace()
        with registry_lock():
            network = _network(settings, state)
            record = _record(settings, state, network)
            state.write_record(record)
            network.create()
        netns.adopt_orphans()
        return asyncio.run(_serve(settings, state, network, host, record))
    except LateenError as trouble:
        log.error("%s", trouble)
        state.write_status(replace(state.status(), trouble=str(trouble), phase="stopping"))
        return 1
    finally:
        if network is not None:
            network.close()
        host.close()
        cleanup.kill_processes(state.folder)
        if (written := state.status()).trouble:
            state.remove()
            state.write_status(written)
        else:
            state.remove()


async def _serve(
    settings: RunnerSettings, state: MeshState, network: Network, host: Host, record: Record
) -> int:
    _watch_children_by_handle()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    if settings.attached:
        loop.add_reader(sys.stdin.fileno(), _see_end_of_input, stop)
    options = MeshOptions(
        folder=Path(settings.folder),
        state=state,
        network=network,
        host=host,
        admin=state.admin,
        discovery_port=explicit.free_port() if settings.mode == modes.EXPLICIT else DISCOVERY_PORT,
        notices=settings.notices,
    )
    async with contextlib.AsyncExitStack() as stack:
        record = replace(record, admin=f"unix:{state.admin}")
        state.write_record(record)
        mesh = LocalMesh(options, record)
        tasks = await stack.enter_async_context(Tasks())
        tasks.start(_watch_state(state, stop), name="state folder")
        if isinstance(network, bridge.BridgeNetwork):
            await _open_ways_out(stack, network, host, mesh.services)
        await mesh.run(stop)
    return 0


async def _watch_state(state: MeshState, stop: asyncio.Event) -> None:
    """A mesh whose state was removed cannot be found by anybody any more: it ends."""
    while state.lock.exists():
        await asyncio.sleep(STATE_SECONDS)
    log.error("%s is gone; the mesh stops", state.folder)
    stop.set()


async def _open_ways_out(
    stack: contextlib.AsyncExitStack,
    network: bridge.BridgeNetwork,
    host: Host,
    services: ServiceDirectory,
) -> None:
    """Names and addresses beyond the bridge."""
    resolver = Resolver(
        host,
        host_resolvers(),
        domain=DOMAIN,
        names=services.addresses,
        aliases=services.alias,
    )
    await resolver.listen(network.discovery_host, DNS_PORTS)
    stack.push_async_callback(resolver.close)
    way = Outside(
        host,
        bridge=network.bridge,
        pods=network.pods,
        services=IPv4Network(network.service_cidr),
        service=services.target,
    )
    await way.start(network.discovery_host)
    stack.callback(way.close)


def _network(settings: RunnerSettings, state: MeshState) -> Network:
    if settings.mode == modes.USERNS:
        return bridge.BridgeNetwork(0, name=modes.USERNS, owner=Owner.MARK)
    if settings.mode == modes.EXPLICIT:
        return explicit.reserve()
    records = (other.record() for other in meshes() if other.running)
    taken = {record.bridge for record in records if record is not None}
    needed = (sys.executable, __file__, str(schema.binary()), str(state.folder))
    owner = modes.proxy_owner(needed)
    return bridge.BridgeNetwork(bridge.free_index(taken), name=modes.ROOT, owner=owner)


def _record(settings: RunnerSettings, state: MeshState, network: Network) -> Record:
    return Record(
        name=state.name,
        folder=settings.folder,
        mode=settings.mode,
        runner=ProcessId.of(os.getpid()),
        bridge=network.bridge,
    )


def _leave(number: int, frame: object) -> None:
    sys.exit(128 + number)  # runs what is in `finally`


def _see_end_of_input(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


def _watch_children_by_handle() -> None:
    """One descriptor a child in place of one thread (the default only from Python 3.12 on)."""
    if sys.version_info < (3, 12):
        watcher = asyncio.PidfdChildWatcher()
        watcher.attach_loop(asyncio.get_running_loop())
        asyncio.get_event_loop_policy().set_child_watcher(watcher)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
