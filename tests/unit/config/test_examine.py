"""Structure and meaning of a document in one go."""

from lateen.base.problem import Problem
from lateen.config.documents import documents
from lateen.config.examine import examine

RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: a}
spec:
  host: a
  subsets:
  - name: v1
  - name: v1
    trafficPolcy: {}
"""


def test_both_kinds_of_mistakes_are_told_with_their_places() -> None:
    (document,) = examine(documents(RULE, "a.yaml", strict=True))
    assert [(problem.code, problem.line, problem.column) for problem in document.problems] == [
        ("unknown-field", 9, 5),
        ("invalid", 8, 5),
    ]
    assert {problem.resource for problem in document.problems} == {"DestinationRule default/a"}


def test_further_checks_are_located_too() -> None:
    def check(resource: object) -> tuple[Problem, ...]:
        return (Problem(code="mine", message="no", path="spec.host"),)

    (document,) = examine(documents(RULE), check)
    assert (document.problems[-1].code, document.problems[-1].line) == ("mine", 5)
