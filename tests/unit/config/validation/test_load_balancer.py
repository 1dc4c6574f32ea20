"""Load balancing, failover, warm-up."""

import pytest
import yaml

from lateen.config.validation.load_balancer import check_localities, is_prime
from lateen.config.validation.report import Report
from tests.unit.config.validation.found import found


def balancer(text: str, *, detects: bool = True) -> list[str]:
    policy = {"loadBalancer": yaml.safe_load(text)} | ({"outlierDetection": {}} if detects else {})
    problems = found("DestinationRule", {"host": "a", "trafficPolicy": policy})
    return [problem.replace("spec.trafficPolicy.loadBalancer", "").rstrip() for problem in problems]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("{simple: LEAST_REQUEST, warmup: {duration: 10s, aggression: 1.5}}", []),
        ("{warmup: {}}", ["error .warmup.duration"]),
        ("{warmup: {duration: 10s, minimumPercent: 101}}", ["error .warmup.minimumPercent"]),
        ("{warmup: {duration: 10s, aggression: 0.5}}", ["error .warmup.aggression"]),
        ("{consistentHash: {httpHeaderName: x, maglev: {tableSize: 65537}}}", []),
        ("{consistentHash: {maglev: {tableSize: 65536}}}",
         ["error .consistentHash.maglev.tableSize"]),
        ("{consistentHash: {maglev: {tableSize: 5000077}}}",
         ["error .consistentHash.maglev.tableSize"]),
        ("{consistentHash: {httpCookie: {ttl: 1s}}}", ["error .consistentHash.httpCookie.name"]),
        ("{consistentHash: {useSourceIp: true, minimumRingSize: 9}}",
         ["warning .consistentHash.minimumRingSize"]),
        ("{simple: RANDOM, consistentHash: {useSourceIp: true}}", ["error"]),
        ("{localityLbSetting: {failover: [{from: a, to: b}]}}", []),
        ("{localityLbSetting: {failover: [{from: a, to: a}]}}",
         ["error .localityLbSetting.failover[0]"]),
        ("{localityLbSetting: {failover: [{from: a/x, to: b}]}}",
         ["error .localityLbSetting.failover[0].from"]),
        ("{localityLbSetting: {distribute: [{from: a/*, to: {a/*: 80, b/*: 20}}]}}", []),
        ("{localityLbSetting: {distribute: [{from: a, to: {a: 80}}]}}",
         ["error .localityLbSetting.distribute[0].to"]),
        ("{localityLbSetting: {distribute: [{from: a, to: {a: 100, b: 0}}]}}",
         ["error .localityLbSetting.distribute[0].to[b]"]),
        ("{localityLbSetting: {distribute: [{from: a, to: {a: 100}}], failover: "
         "[{from: a, to: b}]}}", ["error .localityLbSetting"]),
        ("{localityLbSetting: {}, zoneAwareLbSetting: {}}", ["error"]),
    ],
)  # fmt: skip
def test_settings(text: str, problems: list[str]) -> None:
    assert balancer(text) == problems


def test_failover_without_outlier_detection_is_doubtful() -> None:
    assert balancer("{localityLbSetting: {failoverPriority: [app]}}", detects=False) == [
        "warning .localityLbSetting"
    ]


@pytest.mark.parametrize(
    ("localities", "sound"),
    [
        (["a/b/c", "a/b/d"], True),
        (["a/*", "b"], True),
        (["*", "a"], False),
        (["a/b", "a/b/c"], False),
        (["a/*", "a/b"], False),
        (["a*/b"], False),
        (["*/b"], False),
        (["a//c"], False),
        (["a/b/c/d"], False),
    ],
)
def test_localities_do_not_overlap(localities: list[str], sound: bool) -> None:
    report = Report()
    check_localities(report, "x", localities)
    assert (report.problems == []) is sound


def test_primes() -> None:
    assert [number for number in range(12) if is_prime(number)] == [2, 3, 5, 7, 11]
