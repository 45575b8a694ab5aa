"""Run `dbt build` on the loaded database."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner

from .project import CREDENTIALS, ROOT


@dataclass(frozen=True)
class Built:
    """Result of a build: a line for each model or test that failed, and for each test that warns."""

    failed: list[str]
    warned: list[str]


def dbt_build(database: Path, *selection: str) -> Built:
    """Build and test models.

    Args:
        database: The DuckDB file, as an absolute path: dbt would resolve a relative one in its own working directory.
        selection: dbt options that select models and tests; default all.
    """
    # On a full disk dbt cannot write its log; that must not print tracebacks beside the line that reports it.
    logging.raiseExceptions = False
    before = os.environ.get(CREDENTIALS)
    os.environ[CREDENTIALS] = str(database)
    try:
        result = dbtRunner().invoke(
            [
                *("build", "--project-dir", str(ROOT / "dbt_project"), "--profiles-dir", str(ROOT), "--quiet"),
                # Logging each step takes a sixth of the time.
                *("--log-level-file", "warn"),
                *selection,
            ]
        )
    finally:
        if before is None:
            del os.environ[CREDENTIALS]
        else:
            os.environ[CREDENTIALS] = before
    if result.exception is not None:
        return Built([" ".join(str(result.exception).split())], [])
    outcomes = getattr(result.result, "results", [])
    return Built(_lines(outcomes, "error", "fail"), _lines(outcomes, "warn"))


def _lines(outcomes: Sequence[Any], *statuses: str) -> list[str]:
    return [f"{one.node.name}: {' '.join(str(one.message).split())}" for one in outcomes if one.status in statuses]
