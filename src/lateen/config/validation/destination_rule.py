"""DestinationRule: its host, subsets and audience. Policies are examined by `traffic_policy`."""

from lateen.api.destination_rule import DestinationRule, Subset
from lateen.api.resource import Resource
from lateen.config.validation import names
from lateen.config.validation.report import Report
from lateen.config.validation.selectors import check_selector
from lateen.config.validation.traffic_policy import check_traffic_policy


def check(resource: Resource[DestinationRule], report: Report) -> None:
    spec = resource.spec
    fault = names.wildcard_domain_fault(spec.host)
    if fault:
        report.error("spec.host", f'"{spec.host}" {fault}')
    check_traffic_policy(report, "spec.trafficPolicy", spec.traffic_policy)
    check_subsets(report, spec.subsets)
    names.export_to(report, "spec.exportTo", spec.export_to, resource.namespace, none_allowed=False)
    if spec.workload_selector is not None:
        elsewhere = [target for target in spec.export_to if target not in (".", resource.namespace)]
        if elsewhere:
            report.error(
                "spec.exportTo",
                "a destination rule with a workloadSelector is private to its namespace",
                'write ".", or remove exportTo',
            )
        check_selector(report, "spec.workloadSelector", spec.workload_selector)


def check_subsets(report: Report, subsets: tuple[Subset, ...]) -> None:
    seen: set[str] = set()
    for index, subset in enumerate(subsets):
        path = f"spec.subsets[{index}]"
        if not names.is_dns_label(subset.name):
            report.error(f"{path}.name", f'subset name "{subset.name}" is invalid')
        elif subset.name in seen:
            report.error(f"{path}.name", f'duplicate subset names: "{subset.name}"')
        seen.add(subset.name)
        names.check_labels(report, f"{path}.labels", subset.labels)
        check_traffic_policy(report, f"{path}.trafficPolicy", subset.traffic_policy)
