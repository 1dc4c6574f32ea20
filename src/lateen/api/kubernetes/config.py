"""ConfigMap and Secret."""

from lateen.api.resource import OpenSpec
from lateen.api.scalars import Base64


class ConfigMap(OpenSpec, frozen=True):
    data: dict[str, str] = {}
    binary_data: dict[str, Base64] = {}
    immutable: bool = False


class Secret(OpenSpec, frozen=True):
    data: dict[str, Base64] = {}
    string_data: dict[str, str] = {}
    type: str = "Opaque"
    immutable: bool = False

    def __repr__(self) -> str:
        return f"Secret(type={self.type!r}, keys={sorted((*self.data, *self.string_data))})"
