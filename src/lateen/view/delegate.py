"""Routes of a delegate VirtualService, made part of the route that names it.

Each match of the child meets those of the parent that it does not exclude. Where one meets none the
child's route is left out; fields that the child leaves empty come from the parent.
"""

from typing import Any

from msgspec.structs import replace

from lateen.api.virtual_service import HTTPMatchRequest, HTTPRoute, StringMatch

INHERITED = (
    "rewrite", "direct_response", "timeout", "retries", "fault", "mirror", "mirrors",
    "mirror_percent", "mirror_percentage", "cors_policy", "headers",
)  # fmt: skip
STRING_FIELDS = ("uri", "scheme", "method", "authority")
MAP_FIELDS = ("headers", "without_headers", "query_params")


def merged_routes(parent: HTTPRoute, children: tuple[HTTPRoute, ...]) -> tuple[HTTPRoute, ...]:
    return tuple(route for child in children if (route := merged_route(parent, child)) is not None)


def merged_route(parent: HTTPRoute, child: HTTPRoute) -> HTTPRoute | None:
    match = merged_matches(parent.match, child.match)
    if match is None:
        return None
    inherited = {
        name: getattr(parent, name) for name in INHERITED if not _is_set(getattr(child, name))
    }
    return replace(child, match=match, name=_joined(parent.name, child.name), **inherited)


def merged_matches(
    parent: tuple[HTTPMatchRequest, ...], child: tuple[HTTPMatchRequest, ...]
) -> tuple[HTTPMatchRequest, ...] | None:
    """None: they exclude each other."""
    if not parent or not child:
        return parent or child
    merged: list[HTTPMatchRequest] = []
    for leaf in child:
        found = [merged_match(root, leaf) for root in parent if not excludes(root, leaf)]
        if not found:
            return None  # it could match nothing, so the child means something else
        merged += found
    return tuple(merged)


def excludes(root: HTTPMatchRequest, leaf: HTTPMatchRequest) -> bool:
    """Whether the leaf could match what the root does not; the root must cover its leaf."""
    if any(_conflict(getattr(root, name), getattr(leaf, name)) for name in STRING_FIELDS):
        return True
    for name in MAP_FIELDS:
        theirs: dict[str, StringMatch] = getattr(root, name)
        ours: dict[str, StringMatch] = getattr(leaf, name)
        if any(_conflict(theirs.get(key), match) for key, match in ours.items()):
            return True
    if root.ignore_uri_case != leaf.ignore_uri_case and root.uri and leaf.uri:
        return True
    if root.port and leaf.port and root.port != leaf.port:
        return True
    if (
        root.source_namespace
        and leaf.source_namespace
        and root.source_namespace != leaf.source_namespace
    ):
        return True
    if any(
        leaf.source_labels.get(key, value) != value for key, value in root.source_labels.items()
    ):
        return True
    return bool(root.gateways) and not set(leaf.gateways) <= set(root.gateways)


def merged_match(root: HTTPMatchRequest, leaf: HTTPMatchRequest) -> HTTPMatchRequest:
    fields: dict[str, Any] = {"name": _joined(root.name, leaf.name)}
    for name in (*STRING_FIELDS, "port", "gateways", "source_namespace", "stat_prefix"):
        if not getattr(leaf, name):
            fields[name] = getattr(root, name)
    for name in (*MAP_FIELDS, "source_labels"):
        fields[name] = {**getattr(root, name), **getattr(leaf, name)}
    fields["ignore_uri_case"] = root.ignore_uri_case or leaf.ignore_uri_case
    return replace(leaf, **fields)


def _conflict(root: StringMatch | None, leaf: StringMatch | None) -> bool:
    if root is None or leaf is None or root == leaf:
        return False
    if root.regex is not None or leaf.regex is not None:
        return True
    if root.exact is not None:
        return leaf.exact != root.exact
    if root.prefix is not None:
        return not (leaf.exact or leaf.prefix or "").startswith(root.prefix)
    return False


def _joined(parent: str, child: str) -> str:
    return f"{parent}-{child}" if parent and child else parent or child


def _is_set(value: Any) -> bool:
    """A duration of zero is a value; an empty list is not."""
    return value is not None and value != ()
