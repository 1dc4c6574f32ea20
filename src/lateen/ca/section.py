"""Base of what users write about the authority: camelCase names, unknown fields refused."""

import msgspec


class Section(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """One part of the file."""
