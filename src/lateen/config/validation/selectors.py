"""Selectors and target references, which all policy kinds share."""

from lateen.api.selector import (
    NetworkingWorkloadSelector,
    PolicyTargetReference,
    WorkloadSelector,
)
from lateen.config.validation.names import check_labels
from lateen.config.validation.report import Report

GATEWAY_GROUP = "gateway.networking.k8s.io"
TARGETS = (
    ("", "Service"),
    ("core", "Service"),
    ("networking.istio.io", "ServiceEntry"),
    (GATEWAY_GROUP, "Gateway"),
    (GATEWAY_GROUP, "GatewayClass"),
)
TARGETS_TEXT = (
    "[core/v1/Service networking.istio.io/v1/ServiceEntry "
    "gateway.networking.k8s.io/v1/Gateway gateway.networking.k8s.io/v1/GatewayClass]"
)
TARGET_LIMIT = 16


def check_selector(report: Report, path: str, selector: WorkloadSelector | None) -> None:
    if selector is None:
        return
    if not selector.match_labels:
        report.warning(path, "selects nothing by itself and so applies to all workloads")
    check_selector_labels(report, f"{path}.matchLabels", selector.match_labels)


def check_networking_selector(
    report: Report, path: str, selector: NetworkingWorkloadSelector | None
) -> None:
    if selector is None:
        return
    if not selector.labels:
        report.warning(path, "selects nothing by itself and so applies to all workloads")
    check_selector_labels(report, f"{path}.labels", selector.labels)


def check_selector_labels(report: Report, path: str, labels: dict[str, str]) -> None:
    for key, value in labels.items():
        if not key:
            report.error(f"{path}[]", "key must not be empty")
        if "*" in key or "*" in value:
            report.error(f"{path}[{key}]", "wildcard is not supported in selector")
    check_labels(
        report, path, {k: v for k, v in labels.items() if k and "*" not in k and "*" not in v}
    )


def check_targets(
    report: Report,
    *,
    selector: WorkloadSelector | NetworkingWorkloadSelector | None,
    target_ref: PolicyTargetReference | None,
    target_refs: tuple[PolicyTargetReference, ...],
) -> None:
    """A policy says once what it applies to."""
    ways = [selector is not None, target_ref is not None, bool(target_refs)]
    if sum(ways) > 1:
        report.error("spec", "only one of targetRefs or selector can be set", "remove one of them")
    if len(target_refs) > TARGET_LIMIT:
        report.error("spec.targetRefs", f"at most {TARGET_LIMIT} entries, not {len(target_refs)}")
    if target_ref is not None:
        check_target(report, "spec.targetRef", target_ref)
    for index, reference in enumerate(target_refs):
        check_target(report, f"spec.targetRefs[{index}]", reference)


def check_target(report: Report, path: str, reference: PolicyTargetReference) -> None:
    if not reference.name:
        report.error(f"{path}.name", "targetRef name must be set")
    if reference.namespace:
        report.error(
            f"{path}.namespace", "targetRef namespace must not be set; it is the policy's own"
        )
    if (reference.group, reference.kind) not in TARGETS:
        group = reference.group or "core"
        report.error(
            path,
            f"targetRef must be to one of {TARGETS_TEXT} but was {group}/{reference.kind}",
        )
