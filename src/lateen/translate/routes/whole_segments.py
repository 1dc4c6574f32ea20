"""Routes made from the Gateway API or an Ingress: their prefixes mean whole path segments.

    prefix /shop     takes /shop and /shop/cart, not /shopping
    rewrite to /     removes the prefix and leaves one slash

A destination that does not exist answers 500 there, as the Gateway API asks.
"""

import re
from typing import Any

from lateen.view.virtual_service import RoutedVirtualService

ROUTE_SEMANTICS = "internal.istio.io/route-semantics"
GATEWAY, INGRESS = "gateway", "ingress"


def semantics(virtual_service: RoutedVirtualService) -> str:
    """Where the rule comes from; empty for a VirtualService that a user wrote."""
    return dict(virtual_service.annotations).get(ROUTE_SEMANTICS, "")


def take_whole_segments(route: Any) -> None:
    prefix = route.match.prefix.removesuffix("/")
    if not prefix:
        return
    route.match.path_separated_prefix = prefix
    if route.HasField("route") and route.route.prefix_rewrite == "/":
        route.route.prefix_rewrite = ""
        _remove_prefix(route.route.regex_rewrite, prefix)
    elif route.HasField("redirect") and route.redirect.prefix_rewrite == "/":
        route.redirect.ClearField("prefix_rewrite")
        _remove_prefix(route.redirect.regex_rewrite, prefix)


def answer_500_without_cluster(route: Any) -> None:
    if route.HasField("route"):
        action = route.route
        action.cluster_not_found_response_code = action.INTERNAL_SERVER_ERROR


def _remove_prefix(rewrite: Any, prefix: str) -> None:
    rewrite.pattern.regex = f"^{re.escape(prefix)}(/?)(.*)"
    rewrite.substitution = r"/\2"
