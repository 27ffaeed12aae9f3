"""Whether each module of domain, agent, presentation and aws is covered by its own test file alone.

What only a test of something else runs through, nobody finds again by the module's name. A module's own tests are
tests/unit/…/test_MODULE.py beside it in the tree, and test_MODULE_*.py. `make coverage` runs them all once, each line
recorded with the test that ran it, and fails for a module with a line that its own tests do not reach, unless it is on
the list in individual_coverage.txt; and for one that is on the list without need: the list may only shrink.
`make coverage MODULES=qlikops/aws/process.py` looks at what is named only, by its own tests, in seconds.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("domain", "agent", "presentation", "aws")
LIST = Path(__file__).with_suffix(".txt")
"""Modules that are not covered by their own tests yet, one a line."""
_running = [Path()]
"""The file whose tests run."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def modules() -> list[str]:
    """Every module of the packages that does something, as a path from the root: not those that only declare."""
    paths = (path for package in PACKAGES for path in (ROOT / "qlikops" / package).rglob("*.py"))
    return sorted(str(path.relative_to(ROOT)) for path in paths if _does_anything(path))


def _does_anything(path: Path) -> bool:
    """Whether it has a function with more in it than a text and `...`, as those of a Protocol have."""
    functions = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, _FUNCTIONS))
    return any(
        not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for function in functions
        for statement in (function.body if isinstance(function.body, list) else [function.body])
    )


def own_tests(module: str) -> Iterator[Path]:
    """The test files that are a module's own."""
    path = Path(module)
    folder = ROOT / "tests" / "unit" / path.relative_to("qlikops").parent
    name = path.parent.name if path.stem == "__init__" else path.stem
    yield from (each for each in (folder / f"test_{name}.py", *folder.glob(f"test_{name}_*.py")) if each.exists())


def listed() -> list[str]:
    """The modules on the list."""
    return LIST.read_text(encoding="utf-8").split()


def missing_lines(data: coverage.Coverage, module: str) -> list[int]:
    """The lines of a module that none of its own tests ran. What is run by importing counts as run."""
    own = {str(test.relative_to(ROOT)) for test in own_tests(module)}
    _, statements, _, _, _ = data.analysis2(str(ROOT / module))
    contexts = data.get_data().contexts_by_lineno(str(ROOT / module))
    return [
        line
        for line in statements
        if not any(context == "" or context.partition("::")[0] in own for context in contexts.get(line, ()))
    ]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Forgets what the tests of another file left in caches: a module's own tests would not run it again."""
    if item.path == _running[0]:
        return
    _running[0] = item.path
    for module in [module for name, module in sys.modules.items() if name.partition(".")[0] == "qlikops"]:
        for each in vars(module).values():
            # A class may have an attribute of any name; only functools' wrappers of functions have both.
            if hasattr(each, "cache_clear") and hasattr(each, "__wrapped__"):
                each.cache_clear()


def main() -> int:
    """Runs the own tests of the modules that are named, or of all, once. 1 if the list is not what was found of them;
    `--write` makes it so, of all.
    """
    named = [each for each in sys.argv[1:] if each != "--write"]
    if unknown := set(named) - set(modules()):
        print(f"Not a module of {', '.join(PACKAGES)} that does something: {', '.join(sorted(unknown))}")
        return 1
    chosen = named or modules()
    tests = sorted({str(test) for module in chosen for test in own_tests(module)})
    if not tests:
        print(f"There is no test file of its own for {', '.join(chosen)}.")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "coverage")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            "0" if named else "auto",
            "--cov=qlikops",
            "--cov-context=test",
        ]
        command += ["-p", "tests.individual_coverage"]
        result = subprocess.run(
            [*command, "--cov-report=", *tests], cwd=ROOT, env={**os.environ, "COVERAGE_FILE": str(file)}
        )
        if result.returncode:
            return result.returncode
        data = coverage.Coverage(data_file=str(file))
        data.load()
        # What mypy proves that nothing reaches.
        data.exclude(r"case _:\s+assert_never\(")
        found = {module: lines for module in chosen if (lines := missing_lines(data, module))}
    if "--write" in sys.argv and not named:
        LIST.write_text("".join(f"{module}\n" for module in found), encoding="utf-8")
        return 0
    known = set(listed()) & set(chosen)
    for module in sorted(found.keys() - known):
        print(f"{module}: its own tests do not reach lines {', '.join(map(str, found[module]))}")
    for module in sorted(known - found.keys()):
        print(f"{module}: is covered by its own tests, so take it off {LIST.name}")
    print(f"{len(chosen) - len(found)} of {len(chosen)} modules are covered by their own tests alone.")
    return int(found.keys() != known)


if __name__ == "__main__":
    sys.exit(main())
