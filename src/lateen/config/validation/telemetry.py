"""Telemetry: metrics, tracing and access logging."""

from collections.abc import Sequence

from lateen.api.resource import Resource
from lateen.api.telemetry import (
    AccessLogging,
    CustomTag,
    Metrics,
    MetricsOverrides,
    ProviderRef,
    TagOverrideOperation,
    Telemetry,
    Tracing,
)
from lateen.config.validation import cel
from lateen.config.validation.http import check_duration
from lateen.config.validation.report import Report
from lateen.config.validation.selectors import check_selector, check_targets


def check(resource: Resource[Telemetry], report: Report) -> None:
    spec = resource.spec
    check_selector(report, "spec.selector", spec.selector)
    check_targets(
        report,
        selector=spec.selector,
        target_ref=spec.target_ref,
        target_refs=spec.target_refs,
    )
    if len(spec.tracing) > 1:
        report.warning("spec.tracing", "multiple tracing is not supported; the first is used")
    for index, tracing in enumerate(spec.tracing):
        check_tracing(report, f"spec.tracing[{index}]", tracing)
    for index, metrics in enumerate(spec.metrics):
        check_metrics(report, f"spec.metrics[{index}]", metrics)
    for index, logging in enumerate(spec.access_logging):
        check_logging(report, f"spec.accessLogging[{index}]", logging)


def check_providers(report: Report, path: str, providers: Sequence[ProviderRef]) -> None:
    for index, provider in enumerate(providers):
        if not provider.name:
            report.error(f"{path}.providers[{index}].name", "providers.name may not be empty")


def check_tracing(report: Report, path: str, tracing: Tracing) -> None:
    check_providers(report, path, tracing.providers)
    if len(tracing.providers) > 1:
        report.warning(
            f"{path}.providers", "multiple providers is not supported; the first is used"
        )
    percent = tracing.random_sampling_percentage
    if percent is not None and not 0 <= percent <= 100:
        report.error(f"{path}.randomSamplingPercentage", f"must be from 0 to 100, not {percent:g}")
    for name, tag in tracing.custom_tags.items():
        check_tag(report, f"{path}.customTags[{name}]", name, tag)


def check_tag(report: Report, path: str, name: str, tag: CustomTag) -> None:
    if not name:
        report.error(path, "tag name may not be empty")
    if tag == CustomTag():
        report.error(path, "one of literal, environment, header or formatter must be set")
    if tag.literal is not None and not tag.literal.value:
        report.error(f"{path}.literal.value", "literal tag value may not be empty")
    if tag.environment is not None and not tag.environment.name:
        report.error(f"{path}.environment.name", "environment tag name may not be empty")
    if tag.header is not None and not tag.header.name:
        report.error(f"{path}.header.name", "header tag name may not be empty")
    if tag.formatter is not None and not tag.formatter.value:
        report.error(f"{path}.formatter.value", "formatter tag value may not be empty")


def check_metrics(report: Report, path: str, metrics: Metrics) -> None:
    check_providers(report, path, metrics.providers)
    check_duration(report, f"{path}.reportingInterval", metrics.reporting_interval)
    for index, override in enumerate(metrics.overrides):
        check_override(report, f"{path}.overrides[{index}]", override)


def check_override(report: Report, path: str, override: MetricsOverrides) -> None:
    if override.match is not None and override.match.custom_metric == "":
        report.error(f"{path}.match.customMetric", "must be at least 1 character long")
    for name, tag in override.tag_overrides.items():
        where = f"{path}.tagOverrides[{name}]"
        if not name:
            report.error(where, "tag name may not be empty")
        if tag.operation is TagOverrideOperation.UPSERT and not tag.value:
            report.error(where, "value must be set when operation is UPSERT")
        if tag.operation is TagOverrideOperation.REMOVE and tag.value:
            report.error(where, "value must not be set when operation is REMOVE")


def check_logging(report: Report, path: str, logging: AccessLogging) -> None:
    check_providers(report, path, logging.providers)
    if logging.filter is not None:
        fault = cel.fault(logging.filter.expression)
        if fault:
            report.error(f"{path}.filter.expression", f"is not a CEL expression: {fault}")
