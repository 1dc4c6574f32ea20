"""Load balancing: consistent hashing, warm-up, and where to turn when a locality fails."""

from collections.abc import Iterable, Sequence

from lateen.api.destination_rule import (
    ConsistentHashLB,
    Distribute,
    Failover,
    HTTPCookie,
    LoadBalancerSettings,
    LocalityLoadBalancerSetting,
    WarmupConfiguration,
    ZoneAwareLoadBalancerSetting,
)
from lateen.config.validation.http import check_duration
from lateen.config.validation.report import Report

REGION_LABEL = "topology.kubernetes.io/region"
TOPOLOGY_LABELS = (REGION_LABEL, "topology.kubernetes.io/zone", "topology.istio.io/subzone")
LARGEST_TABLE = 5_000_011  # Envoy's limit of a Maglev table


def check_load_balancer(
    report: Report, path: str, settings: LoadBalancerSettings | None, *, detects: bool
) -> None:
    """`detects`: is there outlier detection, without which nothing ever fails over."""
    if settings is None:
        return
    if settings.consistent_hash is not None:
        check_consistent_hash(report, f"{path}.consistentHash", settings.consistent_hash)
    if settings.locality_lb_setting is not None and settings.zone_aware_lb_setting is not None:
        report.error(path, "localityLbSetting and zoneAwareLbSetting exclude each other")
    check_locality(
        report, f"{path}.localityLbSetting", settings.locality_lb_setting, detects=detects
    )
    check_zone_aware(
        report, f"{path}.zoneAwareLbSetting", settings.zone_aware_lb_setting, detects=detects
    )
    check_duration(report, f"{path}.warmupDurationSecs", settings.warmup_duration_secs)
    check_warmup(report, f"{path}.warmup", settings.warmup)


def check_consistent_hash(report: Report, path: str, hashing: ConsistentHashLB) -> None:
    if hashing.http_cookie is not None:
        check_cookie(report, f"{path}.httpCookie", hashing.http_cookie)
    if hashing.minimum_ring_size:
        report.warning(
            f"{path}.minimumRingSize",
            "minimumRingSize is deprecated",
            "use ringHash.minimumRingSize",
            code="deprecated",
        )
    if hashing.maglev is not None:
        check_maglev(report, f"{path}.maglev.tableSize", hashing.maglev.table_size)


def check_maglev(report: Report, path: str, size: int) -> None:
    if size == 0:
        report.error(path, "tableSize must be set for maglev")
    elif size > LARGEST_TABLE:
        report.error(path, f"tableSize must be at most {LARGEST_TABLE}, not {size}")
    elif not is_prime(size):
        report.error(path, f"tableSize must be a prime number, not {size}")


def is_prime(number: int) -> bool:
    return number > 1 and all(number % d for d in range(2, int(number**0.5) + 1))


def check_cookie(report: Report, path: str, cookie: HTTPCookie) -> None:
    if not cookie.name:
        report.error(f"{path}.name", "name is required for httpCookie")
    seen: set[str] = set()
    for index, attribute in enumerate(cookie.attributes):
        where = f"{path}.attributes[{index}].name"
        if not attribute.name:
            report.error(where, "an attribute of a cookie must have a name")
        elif attribute.name.lower() in seen:
            report.error(where, f'duplicate attribute "{attribute.name}"')
        seen.add(attribute.name.lower())


def check_warmup(report: Report, path: str, warmup: WarmupConfiguration | None) -> None:
    if warmup is None:
        return
    if warmup.duration is None:
        report.error(f"{path}.duration", "duration is required")
    check_duration(report, f"{path}.duration", warmup.duration)
    percent, aggression = warmup.minimum_percent, warmup.aggression
    if percent is not None and not 0 <= percent <= 100:
        report.error(f"{path}.minimumPercent", f"Invalid value {percent:g}: must be from 0 to 100")
    if aggression is not None and aggression < 1:
        report.error(f"{path}.aggression", f"Invalid value {aggression:g}: must be at least 1")


def check_locality(
    report: Report, path: str, setting: LocalityLoadBalancerSetting | None, *, detects: bool
) -> None:
    if setting is None:
        return
    if setting.distribute and (setting.failover or setting.failover_priority):
        other = "failover" if setting.failover else "failoverPriority"
        report.error(path, f"cannot specify both distribute and {other}", "keep one of them")
    check_distribution(report, f"{path}.distribute", setting.distribute)
    if setting.failover and any(is_region(label) for label in setting.failover_priority):
        report.error(f"{path}.failoverPriority", f"{REGION_LABEL} cannot be combined with failover")
    check_failover(report, f"{path}.failover", setting.failover)
    warn_without_detection(
        report, path, bool(setting.failover or setting.failover_priority), detects=detects
    )


def check_zone_aware(
    report: Report, path: str, setting: ZoneAwareLoadBalancerSetting | None, *, detects: bool
) -> None:
    if setting is None:
        return
    for index, label in enumerate(setting.failover_priority):
        if label.partition("=")[0] in TOPOLOGY_LABELS:
            report.error(
                f"{path}.failoverPriority[{index}]",
                f"{label} has no place here: zone-aware balancing orders by topology itself",
            )
    check_failover(report, f"{path}.failover", setting.failover)
    warn_without_detection(
        report, path, bool(setting.failover or setting.failover_priority), detects=detects
    )


def is_region(label: str) -> bool:
    return label.partition("=")[0] == REGION_LABEL


def warn_without_detection(report: Report, path: str, fails_over: bool, *, detects: bool) -> None:
    if fails_over and not detects:
        report.warning(
            path,
            "outlier detection policy must be provided for failover",
            "add outlierDetection: {} to the traffic policy",
        )


def check_failover(report: Report, path: str, failovers: Sequence[Failover]) -> None:
    for index, failover in enumerate(failovers):
        where = f"{path}[{index}]"
        if failover.from_ == failover.to:
            report.error(where, "failover settings must specify different regions")
        for field, region in (("from", failover.from_), ("to", failover.to)):
            if "/" in region or "*" in region:
                report.error(f"{where}.{field}", f'"{region}" must be a region, without / and *')


def check_distribution(report: Report, path: str, distributions: Sequence[Distribute]) -> None:
    check_localities(report, path, [one.from_ for one in distributions])
    for index, one in enumerate(distributions):
        where = f"{path}[{index}].to"
        for locality, weight in one.to.items():
            if not 1 <= weight <= 100:
                report.error(
                    f"{where}[{locality}]", f"locality weight must be from 1 to 100, not {weight}"
                )
        total = sum(one.to.values())
        if total != 100:
            report.error(where, f"total locality weight {total} != 100")
        check_localities(report, where, one.to)


def check_localities(report: Report, path: str, localities: Iterable[str]) -> None:
    """`region/zone/subzone`, its tail left out or `*`, none within another."""
    known = list(localities)
    for locality in known:
        fault = locality_fault(locality)
        if fault:
            report.error(path, f'locality "{locality}" {fault}')
    for index, locality in enumerate(known):
        for other in known[index + 1 :]:
            if overlaps(locality, other):
                report.error(path, f'localities "{locality}" and "{other}" overlap')


def locality_fault(locality: str) -> str:
    parts = locality.split("/")
    if not locality or not all(parts):
        return "has an empty part"
    if len(parts) > 3:
        return "has more than region/zone/subzone"
    if any("*" in part and part != "*" for part in parts):
        return "must not have a wildcard within a name"
    if "*" in parts[:-1]:
        return "must not have anything after a wildcard"
    return ""


def overlaps(first: str, second: str) -> bool:
    one = [part for part in first.split("/") if part != "*"]
    other = [part for part in second.split("/") if part != "*"]
    short = min(len(one), len(other))
    return one[:short] == other[:short]
