"""Runs `dbt build` on the database that was just loaded."""

import logging
import os
from pathlib import Path

from dbt.cli.main import dbtRunner

from .project import CREDENTIALS, ROOT


def dbt_build(database: Path, *selection: str) -> list[str]:
    """Build and test all models.

    Args:
        database: The DuckDB file; dbt would take a relative path for one of its own working directory.
        selection: dbt's options that say which models and tests; default all.

    Returns:
        A line for each model or test that failed; empty when all is well.
    """
    # What dbt cannot write to its log, on a full disk, must not come as tracebacks beside the line that says so.
    logging.raiseExceptions = False
    before = os.environ.get(CREDENTIALS)
    os.environ[CREDENTIALS] = str(database)
    try:
        result = dbtRunner().invoke(
            ["build", "--project-dir", str(ROOT / "dbt_project"), "--profiles-dir", str(ROOT), "--quiet", *selection]
        )
    finally:
        if before is None:
            del os.environ[CREDENTIALS]
        else:
            os.environ[CREDENTIALS] = before
    if result.exception is not None:
        return [" ".join(str(result.exception).split())]
    outcomes = getattr(result.result, "results", [])
    return [
        f"{one.node.name}: {' '.join(str(one.message).split())}" for one in outcomes if one.status in ("error", "fail")
    ]
