"""The tree's own rules: tests/ mirrors the packages, functions fit on a screen, and no file is large."""

import ast
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from cope_demo.paths import ROOT

WHOLE = {"audit", "contracts", "layout", "readme", "samples"}
"""What the tests of the project as a whole are named after; they stand at the top of tests/."""
FREE = {"browser", "faults", "zerogpu"}
"""Folders of tests that meet many packages at once."""
FUNCTION_LINES, FILE_LINES = 60, 300
"""How long a Python function and a file of the package and of its tests may be, at most."""


def find_strays(modules: Iterable[str], tests: Iterable[str]) -> list[str]:
    """What breaks the mirror: packages without tests, and tests without a module.

    modules: paths from the project's root. The tests of cope_demo/fit/dpo.py are tests/fit/test_dpo.py and
        tests/fit/test_dpo_<topic>.py, those of benchmarks/speed_view.py tests/benchmarks/test_speed_view.py.
    tests: paths of test files.
    """
    expected, found = defaultdict(set), defaultdict(set)  # folder below tests/ -> names
    expected["."] |= WHOLE
    for module in map(PurePosixPath, modules):
        if module.stem != "__init__":
            folder = module.parent.relative_to("cope_demo") if module.parts[0] == "cope_demo" else module.parent
            expected[str(folder)].add(module.stem)
    for test in map(PurePosixPath, tests):
        found[str(test.parent.relative_to("tests"))].add(test.stem.removeprefix("test_"))
    strays = [f"{PurePosixPath('tests', folder)} has no test" for folder in expected if not found[folder]]
    for folder, names in found.items():
        for name in names if folder.split("/")[0] not in FREE else ():
            if not any(name == module or name.startswith(f"{module}_") for module in expected[folder]):
                strays.append(f"{PurePosixPath('tests', folder, f'test_{name}.py')} is named after no module")
    return sorted(strays)


def list_files(folder: str, pattern: str) -> list[str]:
    """The files below a folder, as paths from the project's root."""
    return [path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob(pattern)]


def test_the_tests_mirror_the_packages():
    modules = list_files("cope_demo", "*.py") + list_files("benchmarks", "*.py")
    assert len(modules) > 80 and find_strays(modules, list_files("tests", "test_*.py")) == []


def test_a_stray_test_and_a_package_without_tests_are_found():
    modules = ["cope_demo/config.py", "cope_demo/fit/dpo.py", "cope_demo/fit/__init__.py", "benchmarks/speed.py"]
    mirror = ["tests/test_config.py", "tests/fit/test_dpo.py", "tests/fit/test_dpo_rates.py"]
    mirror += ["tests/benchmarks/test_speed.py", "tests/browser/test_any.py", "tests/test_readme.py"]
    assert find_strays(modules, mirror) == []
    strays = ["tests/test_dpo.py", "tests/fit/test_dpos.py", "tests/fits/test_dpo.py", "tests/fit/deep/test_dpo.py"]
    assert find_strays(modules, mirror + strays) == [
        "tests/fit/deep/test_dpo.py is named after no module",
        "tests/fit/test_dpos.py is named after no module",
        "tests/fits/test_dpo.py is named after no module",
        "tests/test_dpo.py is named after no module",
    ]
    assert find_strays([*modules, "cope_demo/ui/web/guard.py"], mirror) == ["tests/ui/web has no test"]


def find_long(path: str, source: str) -> list[str]:
    """What is too long in the source of a file: the file itself, and of Python functions and methods."""
    long = []
    for node in ast.walk(ast.parse(source if path.endswith(".py") else "")):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = node.end_lineno - node.lineno + 1
            long += [f"{path}: {node.name} has {lines} lines"] if lines > FUNCTION_LINES else []
    lines = len(source.splitlines())
    return long + ([f"{path} has {lines} lines"] if lines > FILE_LINES else [])


def test_no_function_and_no_file_is_long():
    paths = [*list_files("cope_demo", "*.py"), *list_files("cope_demo", "*.css"), *list_files("tests", "*.py")]
    paths += [path for path in list_files("cope_demo", "*.js") if "/bundles/" not in path]
    assert [fault for path in paths for fault in find_long(path, (ROOT / path).read_text("utf-8"))] == []


def test_a_long_function_and_a_long_file_are_found():
    def function(lines: int) -> str:
        return "def work():\n" + "    pass\n" * (lines - 1)

    assert find_long("a.py", function(FUNCTION_LINES) + "\n" * (FILE_LINES - FUNCTION_LINES)) == []
    assert find_long("a.py", function(FUNCTION_LINES + 1)) == [f"a.py: work has {FUNCTION_LINES + 1} lines"]
    nested = "class A:\n    async " + function(FUNCTION_LINES + 1).replace("\n", "\n    ")
    assert find_long("a.py", nested) == [f"a.py: work has {FUNCTION_LINES + 1} lines"]
    assert find_long("a.js", "}\n" * (FILE_LINES + 1)) == [f"a.js has {FILE_LINES + 1} lines"]
    assert find_long("a.py", "\n" * (FILE_LINES + 1)) == [f"a.py has {FILE_LINES + 1} lines"]
