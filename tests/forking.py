"""Runs Python scripts in forks of one process that has imported what they import: python forking.py ROOT.

A script imports the project's own modules, and finds dlt as it is before its first use: what is here already are
modules of others, which are the same for all projects.
"""

import ast
import gc
import os
import runpy
import sys
from importlib import import_module
from pathlib import Path

from serving import serve

# What is imported late, when it is needed for the first time.
LATE = (
    "dlt.__plugins__", "dlt._workspace._workspace_context", "dlt._workspace.providers", "dlt.sources.helpers.requests",
    "dlt.destinations.impl.duckdb.duck", "dlt.common.libs.sql_alchemy_compat", "pendulum.locales.en.locale",
    "dbt.adapters.duckdb", "dbt.include.duckdb", "dbt.task.build", "dbt.parser.manifest",
)  # fmt: skip


def imports_of(root):
    """Yield the names of all modules that are imported anywhere in the folders of the project."""
    for path in sorted(root.glob("*_*/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield node.module


def warm_up(root):
    owned = {folder.name for folder in root.iterdir()}
    for name in dict.fromkeys((*imports_of(root), *LATE)):
        if name.partition(".")[0] not in owned:
            import_module(name)
    from dlt.common.configuration.plugins import manager

    manager()
    gc.collect()
    gc.freeze()


def run_script(asked):
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.argv = asked["arguments"]
    sys.path[0] = os.path.dirname(sys.argv[0])
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    warm_up(Path(sys.argv[1]))
    serve(run_script)
