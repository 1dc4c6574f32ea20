"""ProxyConfig, the kind."""

import re

from lateen.api.proxy_config import ProxyConfigResource
from lateen.api.resource import Resource
from lateen.config.validation.report import Report
from lateen.config.validation.selectors import check_selector

IMAGE_TYPE = re.compile(r"[A-Za-z0-9_.\-]*")


def check(resource: Resource[ProxyConfigResource], report: Report) -> None:
    spec = resource.spec
    check_selector(report, "spec.selector", spec.selector)
    if spec.concurrency is not None and spec.concurrency < 0:
        report.error("spec.concurrency", "concurrency must be greater than or equal to 0")
    if spec.image is not None and not IMAGE_TYPE.fullmatch(spec.image.image_type):
        report.error("spec.image.imageType", f'"{spec.image.image_type}" is not an image type')
