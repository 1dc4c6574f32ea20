"""What every resource has, whatever its kind: its identity, its metadata and where it was written.

    Resource[VirtualService]
      kind, meta (name, namespace, labels, ...), origin (file, line)
      spec    the struct of the kind: `VirtualService`, `DestinationRule`, a Service's spec, ...

Kinds of Kubernetes that have no `spec` (ConfigMap, Secret, EndpointSlice, ...) keep their own
top-level fields in `spec` here, so that one holder serves all kinds.
"""

from typing import Any, ClassVar, Generic, NamedTuple, NewType, TypeVar

import msgspec

from lateen.base.problem import Origin

Namespace = NewType("Namespace", str)
Host = NewType("Host", str)  # a hostname of the mesh, lower case, without a port


class Spec(
    msgspec.Struct,
    frozen=True,
    rename="camel",
    kw_only=True,
    forbid_unknown_fields=True,
    gc=False,  # plain trees, never cycles: the collector need not walk them
):
    """Base of all resource types: frozen, `snake_case` here and `camelCase` in YAML.

    Every field has the default that the API gives it. Lists are tuples and maps are dicts that
    nobody changes. Durations are `Duration`. A message that may be absent is `X | None`, and so is
    a scalar whose presence means something (a wrapper, a member of a oneof).

    `ONEOFS` names the groups of fields of which at most one may be set; `NOT_EMPTY` the fields
    that may be left out but not written empty.
    """

    ONEOFS: ClassVar[tuple[tuple[str, ...], ...]] = ()
    NOT_EMPTY: ClassVar[tuple[str, ...]] = ()


class OpenSpec(Spec, frozen=True, forbid_unknown_fields=False):
    """A Kubernetes type of which only what a mesh needs is described; the rest is skipped."""


class ObjectMeta(OpenSpec, frozen=True):
    """`metadata`, as far as a mesh reads it."""

    name: str = ""
    namespace: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    creation_timestamp: str = ""  # RFC 3339; empty for files
    generation: int = 0
    resource_version: str = ""
    uid: str = ""


class Key(NamedTuple):
    """Identity of a resource in a mesh."""

    kind: str
    namespace: str  # empty for cluster-wide kinds
    name: str

    def __str__(self) -> str:
        return (
            f"{self.kind} {self.namespace}/{self.name}"
            if self.namespace
            else (f"{self.kind} {self.name}")
        )


S = TypeVar("S")


class Resource(msgspec.Struct, Generic[S], frozen=True, kw_only=True, eq=False):
    """One object of a mesh. Equal content is equal, wherever it was written."""

    kind: str
    api_version: str
    meta: ObjectMeta
    spec: S
    status: Any = None  # typed for kinds whose status is an input (Pod, Service), else plain data
    origin: Origin = Origin()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resource):
            return NotImplemented
        return self is other or (
            self.kind == other.kind
            and self.meta == other.meta
            and self.spec == other.spec
            and self.status == other.status
            and self.api_version == other.api_version
        )

    def __hash__(self) -> int:
        return hash((self.kind, self.meta.namespace, self.meta.name))

    @property
    def key(self) -> Key:
        return Key(self.kind, self.meta.namespace, self.meta.name)

    @property
    def name(self) -> str:
        return self.meta.name

    @property
    def namespace(self) -> str:
        return self.meta.namespace

    @property
    def age(self) -> tuple[str, str, str]:
        """Sort key of Istio's age order: older first, then name, then namespace."""
        return (self.meta.creation_timestamp, self.meta.name, self.meta.namespace)


class Change(NamedTuple):
    """One object appeared, changed or, with `resource` None, went away."""

    key: Key
    resource: Resource[Any] | None
