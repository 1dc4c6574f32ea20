"""Outlier detection: which endpoints are ejected, and when Envoy panics.

Ejection by success rate is off, as in Istio. A block without `minHealthPercent` sets the panic
threshold to 0: endpoints known to be bad are then never used, however few are left.
"""

from typing import Any

from lateen.api.destination_rule import OutlierDetection
from lateen.envoy.messages import duration

ALWAYS = 100


def apply_outlier_detection(cluster: Any, settings: OutlierDetection | None) -> None:
    if settings is None:
        return
    out = cluster.outlier_detection
    out.enforcing_success_rate.value = 0
    _apply_counts(out, settings)
    if settings.interval is not None:
        out.interval.CopyFrom(duration(settings.interval))
    if settings.base_ejection_time is not None:
        out.base_ejection_time.CopyFrom(duration(settings.base_ejection_time))
    if settings.max_ejection_percent > 0:
        out.max_ejection_percent.value = settings.max_ejection_percent
    if settings.min_health_percent > 0:
        cluster.common_lb_config.healthy_panic_threshold.value = settings.min_health_percent


def _apply_counts(out: Any, settings: OutlierDetection) -> None:
    """A count of 0 says that errors of the kind never eject."""
    if (count := settings.consecutive_5xx_errors) is not None:
        out.consecutive_5xx.value = count
        out.enforcing_consecutive_5xx.value = ALWAYS if count else 0
    if (count := settings.consecutive_gateway_errors) is not None:
        out.consecutive_gateway_failure.value = count
        out.enforcing_consecutive_gateway_failure.value = ALWAYS if count else 0
    if settings.split_external_local_origin_errors:
        out.split_external_local_origin_errors = True
        if count := settings.consecutive_local_origin_failures or 0:
            out.consecutive_local_origin_failure.value = count
            out.enforcing_consecutive_local_origin_failure.value = ALWAYS
        out.enforcing_local_origin_success_rate.value = 0
