"""Which resources a proxy refused, and which of the users' resources they were made from.

Envoy names the resources in the text of its rejection. Their sources are the config paths that
every resource carries in its metadata (`/apis/<group>/<version>/namespaces/<ns>/<kind>/<name>`).
"""

import re
from collections.abc import Iterator

from lateen.api.resource import Key
from lateen.base.incremental import Node
from lateen.xds.responses import Sent

PATH = re.compile(rb"/apis/[a-z0-9.-]+/[a-z0-9]+/namespaces/([a-z0-9.-]+)/([a-z-]+)/([a-z0-9.-]+)")
MOST_NODES = 20_000  # of one cell's dependencies that are looked at


def rejected_names(sent: Sent | None, text: str) -> tuple[str, ...]:
    """The names of the response that the text mentions; all of them if it mentions none."""
    if sent is None:
        return ()
    named = tuple(name for name in sent.names if name in text and _stands_in(name, text))
    if named:
        return named
    return sent.names[:20]


def config_paths(content: bytes) -> tuple[Key, ...]:
    """The users' resources named in a serialized Envoy resource, in order of appearance."""
    found = (
        Key(_kind(match[2].decode()), match[1].decode(), match[3].decode())
        for match in PATH.finditer(content)
    )
    return tuple(dict.fromkeys(found))


def read_keys(node: Node) -> Iterator[Key]:
    """The users' resources that a cell read while it was made, nearest first."""
    seen = {node: None}
    todo = [node]
    for current in todo:
        for dep in current.deps:
            if dep in seen or len(seen) > MOST_NODES:
                continue
            seen[dep] = None
            todo.append(dep)
            if dep.compute is None:
                yield from (part for part in dep.label[1:] if isinstance(part, Key))


def _stands_in(name: str, text: str) -> bool:
    """As a word of its own: `a` is not in `cluster(s) b: bad address`."""
    return re.search(rf"(?<![\w|.-]){re.escape(name)}(?![\w|-])", text) is not None


def _kind(kebab: str) -> str:
    return "".join(part.capitalize() for part in kebab.split("-"))
