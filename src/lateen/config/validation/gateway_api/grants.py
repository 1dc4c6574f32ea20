"""ReferenceGrant."""

from lateen.api.gateway_api.references import ReferenceGrantSpec
from lateen.api.resource import Resource
from lateen.config.validation.gateway_api import shapes
from lateen.config.validation.report import Report

MOST = 16


def check(resource: Resource[ReferenceGrantSpec], report: Report) -> None:
    spec = resource.spec
    shapes.check_count(report, "spec.from", spec.from_, least=1, most=MOST)
    shapes.check_count(report, "spec.to", spec.to, least=1, most=MOST)
    for index, trusted in enumerate(spec.from_):
        path = f"spec.from[{index}]"
        shapes.check_group(report, f"{path}.group", trusted.group)
        shapes.check_kind(report, f"{path}.kind", trusted.kind)
        shapes.check_namespace(report, f"{path}.namespace", trusted.namespace)
    for index, target in enumerate(spec.to):
        path = f"spec.to[{index}]"
        shapes.check_group(report, f"{path}.group", target.group)
        shapes.check_kind(report, f"{path}.kind", target.kind)
