"""`lateen validate`: is each document acceptable by itself, as an admission webhook would say."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from lateen.cli.input import add_files

if TYPE_CHECKING:
    from lateen.base.problem import Problem
    from lateen.config.documents import Document

EXAMPLES = """\
examples:
  lateen validate -f mesh/
  lateen validate -f routes.yaml -o json
  kubectl get virtualservices -A -o yaml | lateen validate -
"""
FINDINGS, USAGE_ERROR = 1, 2


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "validate",
        help="check manifests one document at a time",
        description="Checks every document of files and folders: structure, values, combinations.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_files(parser)
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    parser.add_argument("--root-namespace", default="istio-system", metavar="NAMESPACE")
    parser.add_argument("--trust-domain", default="cluster.local", metavar="DOMAIN")
    parser.add_argument("--mesh-config", metavar="FILE", help="a MeshConfig document")


def run(arguments: argparse.Namespace) -> int:
    files = [*arguments.files, *arguments.paths]
    if not files:
        print("name files or folders: lateen validate -f PATH", file=sys.stderr)
        return USAGE_ERROR
    documents = list(examined(files))
    if arguments.mesh_config:
        documents += mesh_config_document(arguments.mesh_config)
    if arguments.output == "json":
        print_json(documents)
    else:
        print_text(documents)
    if any(problem.code == "unreadable" for one in documents for problem in one.problems):
        return USAGE_ERROR
    return 0 if all(document.is_valid for document in documents) else FINDINGS


def examined(files: Iterable[str]) -> Iterator["Document"]:
    """Every document with all that is wrong with it."""
    from lateen.cli.patch_values import check_patch_values
    from lateen.config.examine import examine
    from lateen.config.paths import read_documents

    return examine(read_documents(files, strict=True), check_patch_values)


def mesh_config_document(file: str) -> list["Document"]:
    """The file of `--mesh-config`, as one more document."""
    from pathlib import Path

    from lateen.config import yaml_text
    from lateen.config.documents import Document
    from lateen.config.mesh_config import effective
    from lateen.config.paths import UnreadableFile, reason, refused, text_of
    from lateen.config.validation.mesh_config import check_mesh_config
    from lateen.config.validation.report import Report

    try:
        text = text_of(Path(file))
        tree = yaml_text.load(text)
    except (OSError, UnreadableFile) as error:
        return [refused(file, reason(error))]
    except yaml_text.SyntaxProblem as error:
        return [refused(file, f"line {error.line}: not valid YAML: {error}")]
    document = Document(file, 1, kind="MeshConfig", positions=yaml_text.Positions(text, 1))
    report = Report()
    config, problems = effective(tree or {}, strict=True)
    if config is not None:
        check_mesh_config(report, config)
    document.problems = [document.located(one) for one in (*problems, *report.problems)]
    return [document]


def print_text(documents: list["Document"]) -> None:
    for document in documents:
        for problem in document.problems:
            print(f"{problem.severity}: {problem}")
    invalid = sum(not document.is_valid for document in documents)
    total = f"{len(documents)} document{'s' * (len(documents) != 1)}"
    print(f"{total} checked, {invalid or 'none'} invalid", file=sys.stderr)


def print_json(documents: list["Document"]) -> None:
    import json

    json.dump([row(document) for document in documents], sys.stdout, indent=2)
    print()


def row(document: "Document") -> dict[str, Any]:
    return {
        "file": document.file,
        "line": document.line,
        "kind": document.kind,
        "name": document.name,
        "namespace": document.namespace,
        "valid": document.is_valid,
        "problems": [problem_row(problem) for problem in document.problems],
    }


def problem_row(problem: "Problem") -> dict[str, Any]:
    return {
        "code": problem.code,
        "severity": str(problem.severity),
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "hint": problem.hint,
    }
