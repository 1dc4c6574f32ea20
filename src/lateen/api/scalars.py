"""Scalars of protobuf that YAML cannot tell apart: integers with their range, and base64 bytes."""

from typing import Annotated

from msgspec import Meta

UInt32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]
UInt64 = Annotated[int, Meta(ge=0)]
Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = Annotated[int, Meta(ge=-(2**63))]
Base64 = bytes  # written as base64 text
