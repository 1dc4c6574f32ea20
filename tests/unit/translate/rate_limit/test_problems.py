"""RateLimits whose service is not there."""

import pytest

from lateen.translate.rate_limit.problems import problems
from tests.unit.translate.outbound_world import http_service, mesh_of
from tests.unit.translate.rate_limit.test_http import GLOBAL, LOCAL, limit


@pytest.mark.parametrize(
    ("rule", "service", "path"),
    [
        (GLOBAL, "{host: nobody.shop}", "spec.service.host"),
        (GLOBAL, "{host: web, port: 81}", "spec.service.port"),
        (GLOBAL, "{host: web, port: 80}", ""),
        (GLOBAL, "{}", ""),
        (LOCAL, "{}", ""),
    ],
)
def test_a_service_that_the_mesh_lacks_is_told(rule: str, service: str, path: str) -> None:
    mesh = mesh_of(http_service("web"), limit("a", rule, more=f", service: {service}"))

    assert [found.path for found in problems(mesh)] == ([path] if path else [])
