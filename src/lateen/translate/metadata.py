"""Metadata `istio` of listeners, routes and clusters: which services, which user resource.

    filter_metadata:
      istio:
        config: /apis/networking.istio.io/v1/namespaces/shop/destination-rule/reviews
        services: [{host: reviews.shop.svc.cluster.local, name: reviews, namespace: shop}]
        subset: v1

Telemetry, `explain`, `proxy-config` and access logs read it.
"""

from typing import Any

from lateen.api.resource import Key
from lateen.catalog.service import Service
from lateen.envoy import types
from lateen.translate import names

ISTIO = "istio"


def istio_struct(message: Any) -> Any:
    """The `istio` Struct in the metadata of a message, made when absent."""
    return message.metadata.filter_metadata[ISTIO]


def set_config(message: Any, key: Key) -> None:
    """Says which user resource the message was made from."""
    istio_struct(message).fields["config"].string_value = names.config_path(key)


def config_metadata(key: Key) -> Any:
    """A Metadata that holds nothing but the path of the resource."""
    made = types.Metadata()
    made.filter_metadata[ISTIO].fields["config"].string_value = names.config_path(key)
    return made


def add_service(message: Any, service: Service) -> None:
    listed = istio_struct(message).fields["services"].list_value.values
    fields = listed.add().struct_value.fields
    fields["host"].string_value = service.hostname
    fields["name"].string_value = service.name
    fields["namespace"].string_value = service.namespace
