"""Where the rules of one resource put what they find."""

from dataclasses import dataclass, field

from lateen.base.problem import Problem, Severity


@dataclass(slots=True)
class Report:
    """Findings in the order of the rules. Owned by one call of `validate`."""

    problems: list[Problem] = field(default_factory=list)

    def error(self, path: str, message: str, hint: str = "", *, code: str = "invalid") -> None:
        self.problems.append(Problem(code=code, message=message, path=path, hint=hint))

    def warning(self, path: str, message: str, hint: str = "", *, code: str = "doubtful") -> None:
        self.problems.append(
            Problem(code=code, message=message, severity=Severity.WARNING, path=path, hint=hint)
        )
