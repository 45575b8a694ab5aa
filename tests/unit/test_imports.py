"""Who may import whom, and what importing may not do."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("binance_source", "coinbase_source", "okx_source")
OURS = ("exchange_engine", *SOURCES, "market_loader", "exchange_simulator")

MAY_IMPORT = {
    "exchange_engine": {"exchange_engine"},
    **{source: {"exchange_engine", source} for source in SOURCES},
    "market_loader": {"exchange_engine", *SOURCES, "market_loader", "exchange_simulator"},
    "exchange_simulator": {"exchange_simulator"},
}
MAY_NOT_IMPORT = {
    "binance_source.rest": ("binance_source.archive", "binance_source.repair"),
    "binance_source.archive": ("binance_source.repair",),
}
"""Within Binance: each of them knows only what it speaks to. Repair asks both."""


def modules(*packages):
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path, name):
    """Yield the modules that a module imports, those for type checkers alone included."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            # What is imported may be a module itself.
            yield from (f"{base}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", OURS)
def test_imports_point_one_way(package):
    found = list(modules(package))
    assert len(found) > 5
    for path, name in found:
        for imported in imports(path, name):
            top = imported.split(".")[0]
            assert top not in OURS or top in MAY_IMPORT[package], f"{name} imports {imported}"


@pytest.mark.parametrize("package", MAY_NOT_IMPORT)
def test_each_part_of_binance_knows_only_what_it_speaks_to(package):
    found = list(modules(package.replace(".", "/")))
    assert len(found) > 5
    for path, name in found:
        for imported in imports(path, name):
            assert not imported.startswith(MAY_NOT_IMPORT[package]), f"{name} imports {imported}"


def graph():
    known = {name for _, name in modules(*OURS)}
    for path, name in modules(*OURS):
        there = {one if one in known else one.rpartition(".")[0] for one in imports(path, name)}
        yield name, {one for one in there if one in known and one != name}


def test_no_module_imports_itself_by_way_of_others():
    # A package's __init__ is run before any module of it: what it imports is no circle.
    left = {name: {one for one in there if not name.startswith(f"{one}.")} for name, there in graph()}
    assert sum(map(len, left.values())) > 300
    while left:
        free = [name for name, there in left.items() if not there & left.keys()]
        assert free, f"circles among {sorted(left)}"
        for name in free:
            del left[name]


CHANGES = ("chdir", "signal", "set_wakeup_fd", "path.insert", "path.append", "set_threshold", "freeze")
"""Calls that change the working folder, the signals, sys.path or the garbage collector of whoever imports a module."""


def test_importing_a_module_changes_nothing_of_the_process():
    found = [*modules(*OURS), *((path, path.stem) for path in (ROOT / "pipelines").glob("*.py"))]
    for path, name in found:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.If):
                continue
            text = ast.unparse(node)
            called = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
            assert not any(ast.unparse(one.func).endswith(CHANGES) for one in called), f"{name}: {text}"
            assert not text.startswith("sys.path"), f"{name}: {text}"


def test_the_scripts_are_a_few_lines_around_one_function():
    scripts = list((ROOT / "pipelines").glob("*.py"))
    assert len(scripts) == 6
    assert all(len(path.read_text().splitlines()) <= 12 for path in scripts)
    assert not any("noqa" in path.read_text() for path in scripts)


def test_no_module_is_over_about_four_hundred_lines():
    lines = {name: len(path.read_text().splitlines()) for path, name in modules(*OURS)}
    assert {name: count for name, count in lines.items() if count > 420} == {}
