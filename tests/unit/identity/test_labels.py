"""Workload labels in tokens and certificates."""

import pytest

from lateen.identity.errors import IdentityError
from lateen.identity.labels import WorkloadLabels, from_claims, from_dns_names

LABELS = WorkloadLabels(
    workload="web-v1", canonical_service="web", namespace="shop", version="v1.2"
)


def test_labels_read_back_from_certificate_names() -> None:
    assert from_dns_names(LABELS.dns_names()) == LABELS


def test_names_are_always_all_and_in_order() -> None:
    keys = [name.partition("=")[0] for name in WorkloadLabels().dns_names()]
    assert keys == [
        "workload",
        "canonical_service",
        "canonical_revision",
        "namespace",
        "app",
        "version",
        "cluster",
    ]


def test_no_label_makes_a_host_name() -> None:
    names = WorkloadLabels(workload="istiod.istio-system.svc", app="localhost").dns_names()
    assert all("=" in name for name in names)


def test_a_certificate_without_labels_has_none() -> None:
    assert from_dns_names(["istiod.istio-system.svc"]) is None


@pytest.mark.parametrize("value", ["a,version=v2", "a b", "é", "x" * 300, "-a"])
def test_a_value_that_is_no_label_value_is_refused(value: str) -> None:
    with pytest.raises(IdentityError):
        from_claims({"app": value})


def test_unknown_claims_are_left_aside() -> None:
    assert from_claims({"app": "web", "team": "a"}) == WorkloadLabels(app="web")
