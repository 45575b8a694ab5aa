"""The project's place: its root, its dlt pipelines, and the database that they write to."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
"""The repository root: `.dlt/`, dbt's project and, unless configured otherwise, market.duckdb lie in it."""

CREDENTIALS = "DESTINATION__MARKET__CREDENTIALS"
DATASET = "staging"

KEPT_PACKAGES = 20
"""Load packages of which dlt's records are kept in the working folder."""


def enter() -> None:
    """Work in the repository root from here on, wherever the command was started.

    dlt looks for its configuration and keeps its state in the working directory's project, once and for all when it is
    imported: call this first. A relative path in DESTINATION__MARKET__CREDENTIALS keeps its meaning.
    """
    configured = os.environ.get(CREDENTIALS)
    if configured and "://" not in configured and not configured.startswith(":"):
        os.environ[CREDENTIALS] = str(Path(configured).absolute())
    os.chdir(ROOT)


def open_pipeline(name: str) -> Any:
    """Open a dlt pipeline that writes to the destination `market`, dataset `staging`.

    The working folder is a copy of what the destination knows, and may be thrown away: a damaged one is, and one that
    was moved along with the project is told where it is now, or it would write to the database of its old place.

    Args:
        name: The pipeline's name, such as "binance".
    """
    from dlt.common.configuration.exceptions import ConfigurationException
    from dlt.common.pipeline import get_dlt_pipelines_dir

    folder = Path(get_dlt_pipelines_dir()) / name
    try:
        _tell_place(folder / "state.json")
        return _opened(name)
    except ConfigurationException:
        raise
    except Exception:  # noqa: BLE001 - dlt raises anything that reading damaged JSON, versions and pickles can raise
        if folder.is_dir():
            shutil.rmtree(folder)
        else:
            # A file may lie in the place of the folder of all pipelines, too.
            (folder if folder.parent.is_dir() else folder.parent).unlink(missing_ok=True)
        return _opened(name)


def _tell_place(state_file: Path) -> None:
    if state_file.exists():
        state = json.loads(state_file.read_text())
        if state["_local"]["initial_cwd"] != str(ROOT):
            state["_local"]["initial_cwd"] = str(ROOT)
            state_file.write_text(json.dumps(state))


def _opened(name: str) -> Any:
    import dlt

    pipeline = dlt.pipeline(name, destination="market", dataset_name=DATASET)
    # Whatever is damaged is to be found now, and not in the midst of a run.
    for schema in pipeline.schema_names:
        pipeline.schemas.load_schema(schema)
    _ = pipeline.state, pipeline.has_pending_data, pipeline.last_trace
    return pipeline


def forget_old_packages(pipeline: Any) -> None:
    """Remove what dlt keeps of each load package for ever, except for the newest ones: its schema and a few lists.

    Args:
        pipeline: A pipeline that has just run; `dlt pipeline ... info` goes on listing the packages that are kept.
    """
    loaded = sorted((Path(pipeline.working_dir) / "load" / "loaded").glob("*"), key=lambda folder: folder.name)
    for folder in loaded[:-KEPT_PACKAGES]:
        shutil.rmtree(folder)


def database_file(pipeline: Any) -> Path | None:
    """Return the DuckDB file that a pipeline writes to, or None where the destination is no local file."""
    from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

    credentials = pipeline.destination_client().config.credentials
    if type(credentials) is not DuckDbCredentials:
        return None
    location = credentials._conn_str()
    return None if location.startswith((":", "md:")) else Path(location)
