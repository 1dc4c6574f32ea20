"""Discovery responses joined from ready bytes: a repeated protobuf field is the concatenation of
its elements, so a response costs one join however its resources were made.

    DeltaDiscoveryResponse { resources = 2, type_url = 4, nonce = 5, removed_resources = 6 }
    DiscoveryResponse      { version_info = 1, resources = 2, type_url = 4, nonce = 5 }
    Resource               { version = 1, resource = 2 (Any), name = 3 }
    Any                    { type_url = 1, value = 2 }
"""

from collections.abc import Iterable
from hashlib import blake2b

VERSION_BYTES = 6  # 48 bits of hash: one resource has few versions, and equal ones must be equal


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field with a number under 16."""
    return bytes((number << 3 | 2,)) + varint(len(content)) + content


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def version(content: bytes) -> str:
    return blake2b(content, digest_size=VERSION_BYTES).hexdigest()


def any_message(type_url: str, content: bytes) -> bytes:
    return field(1, type_url.encode()) + field(2, content)


def delta_resource(*, type_url: str, name: str, version: str, content: bytes) -> bytes:
    """The field of one resource in a DeltaDiscoveryResponse, tag included."""
    resource = field(1, version.encode()) + field(2, any_message(type_url, content))
    return field(2, resource + field(3, name.encode()))


def delta_response(
    resources: Iterable[bytes], *, type_url: str, nonce: str, removed: Iterable[str]
) -> bytes:
    return b"".join(
        (
            *resources,
            field(4, type_url.encode()),
            field(5, nonce.encode()),
            *(field(6, name.encode()) for name in removed),
        )
    )


def whole_response(
    contents: Iterable[bytes], *, type_url: str, nonce: str, version_info: str
) -> bytes:
    """A DiscoveryResponse of the state-of-the-world protocol."""
    return b"".join(
        (
            field(1, version_info.encode()),
            *(field(2, any_message(type_url, content)) for content in contents),
            field(4, type_url.encode()),
            field(5, nonce.encode()),
        )
    )


def empty_assignment(cluster: str) -> bytes:
    """A ClusterLoadAssignment without endpoints: what a cluster warms with when it has none."""
    return field(1, cluster.encode())


BY_EDS = b"\x10\x03"  # Cluster.type (2) is EDS (3)


def needs_endpoints(cluster: bytes) -> bool:
    """Whether a serialized Cluster fetches its endpoints. Its name comes first, then its type."""
    size, at, shift = 0, 1, 0
    while at < len(cluster):
        size |= (cluster[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if cluster[at - 1] < 0x80:
            break
    return cluster[at + size : at + size + 2] == BY_EDS
