"""How objects of the Gateway API name other objects, and how namespaces allow that."""

from lateen.api.kubernetes.selector import LabelSelector
from lateen.api.resource import OpenSpec
from lateen.api.scalars import Int32

GROUP = "gateway.networking.k8s.io"


class ParentReference(OpenSpec, frozen=True):
    """As written, for statuses repeat it so; `of_group` and `of_kind` have the defaults."""

    group: str | None = None
    kind: str | None = None
    namespace: str | None = None
    name: str = ""
    section_name: str = ""
    port: Int32 | None = None

    @property
    def of_group(self) -> str:
        return GROUP if self.group is None else self.group

    @property
    def of_kind(self) -> str:
        return self.kind or "Gateway"


class ObjectReference(OpenSpec, frozen=True):
    """SecretObjectReference and ObjectReference; an empty kind means a Secret."""

    group: str = ""
    kind: str = ""
    namespace: str | None = None
    name: str = ""


class BackendObjectReference(OpenSpec, frozen=True):
    group: str = ""
    kind: str = "Service"
    namespace: str | None = None
    name: str = ""
    port: Int32 | None = None


class ReferenceGrantFrom(OpenSpec, frozen=True):
    group: str = ""
    kind: str = ""
    namespace: str = ""


class ReferenceGrantTo(OpenSpec, frozen=True):
    group: str = ""
    kind: str = ""
    name: str | None = None


class ReferenceGrantSpec(OpenSpec, frozen=True):
    from_: tuple[ReferenceGrantFrom, ...] = ()
    to: tuple[ReferenceGrantTo, ...] = ()


class FromNamespaces(OpenSpec, frozen=True):
    """RouteNamespaces and ListenerNamespaces; an empty `from` is the default of its place."""

    from_: str = ""
    selector: LabelSelector | None = None
