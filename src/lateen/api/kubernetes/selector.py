"""metav1.LabelSelector"""

from lateen.api.resource import OpenSpec


class LabelSelectorRequirement(OpenSpec, frozen=True):
    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class LabelSelector(OpenSpec, frozen=True):
    match_labels: dict[str, str] = {}
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()
