"""Changes to headers: `headers.request` and `headers.response` of routes and destinations."""

from collections.abc import Iterable, Mapping
from typing import Any

from lateen.api.virtual_service import Headers
from lateen.envoy import types

AUTHORITY_NAMES = ("host", ":authority")
# How Istio's proxies introduce themselves where there is no certificate to tell it. Nothing here
# believes them, and no application gets to see what a stranger wrote in them.
PEER_HEADERS = ("x-envoy-peer-metadata", "x-envoy-peer-metadata-id")


def apply_headers(target: Any, headers: Headers) -> str:
    """Adds the changes to a Route, VirtualHost or ClusterWeight.

    Returns the authority that `host` or `:authority` among the request headers asks for, or "";
    Envoy rewrites it with a setting of its own.
    """
    request, response = headers.request, headers.response
    authority = ""
    if request is not None:
        target.request_headers_to_add.extend(_set(request.set))
        target.request_headers_to_add.extend(_add(request.add))
        target.request_headers_to_remove.extend(_removable(request.remove))
        authority = _authority(request.set) or _authority(request.add)
    if response is not None:
        target.response_headers_to_add.extend(_set(response.set))
        target.response_headers_to_add.extend(_add(response.add))
        target.response_headers_to_remove.extend(_removable(response.remove))
    return authority


def _set(headers: Mapping[str, str]) -> list[Any]:
    made = _add(headers)
    for option in made:
        option.append_action = types.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    return made


def _add(headers: Mapping[str, str]) -> list[Any]:
    made = []
    for name, value in sorted(headers.items()):
        if not _is_internal(name):
            option = types.HeaderValueOption()
            option.header.key = name
            option.header.value = value
            made.append(option)
    return made


def _removable(names: Iterable[str]) -> list[str]:
    return [name for name in names if not _is_internal(name)]


def _authority(headers: Mapping[str, str]) -> str:
    for name, value in sorted(headers.items()):
        if name.lower() in AUTHORITY_NAMES:
            return value
    return ""


def _is_internal(name: str) -> bool:
    return name.startswith(":") or name.lower() == "host"
