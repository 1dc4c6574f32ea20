"""The rules of the code base that a program can check, checked."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "lateen"
TESTS = ROOT / "tests"
MOST_LINES = 600
LOOSE_TASKS = {"asyncio.create_task", "asyncio.ensure_future"}
HEAVY = ("grpc", "google.protobuf", "cryptography", "yaml", "ryaml", "rich", "msgspec", "asyncio")


def modules(folder: Path) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(folder.rglob("*.py")):
        yield path.relative_to(ROOT), ast.parse(path.read_text())


def test_no_file_is_longer_than_six_hundred_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in (SOURCE, TESTS)
        for path in folder.rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > MOST_LINES
    }
    assert not long


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path) for path, tree in modules(SOURCE) if tree.body and not ast.get_docstring(tree)
    ]
    assert not silent


def test_unit_tests_mirror_the_source() -> None:
    strangers = []
    for path in sorted((TESTS / "unit").rglob("test_*.py")):
        place = path.relative_to(TESTS / "unit")
        source = SOURCE / place.parent / place.name.removeprefix("test_")
        if not source.exists() and not source.with_suffix("").is_dir():
            strangers.append(str(place))
    assert not strangers


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(tree: ast.Module) -> Iterator[str]:
    return (ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_no_internal_is_patched() -> None:
    assert not [path for path, tree in modules(TESTS) if "unittest.mock" in imports(tree)]


def test_no_task_is_left_alone() -> None:
    tasks = Path("src/lateen/base/tasks.py")
    loose = [path for path, tree in modules(SOURCE) if LOOSE_TASKS & set(calls(tree))]
    assert set(loose) <= {tasks}


def test_there_is_no_drawer_for_everything() -> None:
    drawers = {"utils", "helpers", "common", "misc"}
    assert not [path for path in SOURCE.rglob("*") if path.stem in drawers]


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from lateen.cli.main import main; main(['--help'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"
