"""Where the project is: its root, its dlt pipelines, and the database that they write to."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
"""The root of the repository, with `.dlt/`, dbt's project and, by default, market.duckdb."""

CREDENTIALS = "DESTINATION__MARKET__CREDENTIALS"
DATASET = "staging"

KEPT_PACKAGES = 20
"""Number of load packages whose records by dlt are kept in the working folder."""


def enter() -> None:
    """Work in the root of the repository from here on, wherever the command was started.

    Call this first: when dlt is imported, it looks once for its configuration and state in the working directory. A
    relative path in DESTINATION__MARKET__CREDENTIALS keeps its meaning.
    """
    configured = os.environ.get(CREDENTIALS)
    if configured and "://" not in configured and not configured.startswith(":"):
        os.environ[CREDENTIALS] = str(Path(configured).absolute())
    os.chdir(ROOT)


def open_pipeline(name: str) -> Any:
    """Open a dlt pipeline that writes to the destination `market`, dataset `staging`.

    The working folder is a copy of what the destination knows, and can be thrown away: a damaged one is. One that was
    moved with the project gets its new place, or else it would write to the database at its old place.

    Args:
        name: Name of the pipeline, such as "binance".
    """
    from dlt.common.configuration.exceptions import ConfigurationException
    from dlt.common.pipeline import get_dlt_pipelines_dir

    folder = Path(get_dlt_pipelines_dir()) / name
    try:
        _tell_place(folder / "state.json")
        return _opened(name)
    except ConfigurationException:
        raise
    except Exception:  # noqa: BLE001 - damaged JSON, versions and pickles make dlt raise anything
        if folder.is_dir():
            shutil.rmtree(folder)
        else:
            # There may be a file in place of the folder, or of the folder of all pipelines.
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
    # Damage must show now, not in the middle of a run.
    for schema in pipeline.schema_names:
        pipeline.schemas.load_schema(schema)
    _ = pipeline.state, pipeline.has_pending_data, pipeline.last_trace
    return pipeline


def forget_old_packages(pipeline: Any) -> None:
    """Remove dlt's records of load packages, which it keeps forever, except for the newest ones.

    Args:
        pipeline: A pipeline that has just run; `dlt pipeline ... info` still lists the packages that are kept.
    """
    loaded = sorted((Path(pipeline.working_dir) / "load" / "loaded").glob("*"), key=lambda folder: folder.name)
    for folder in loaded[:-KEPT_PACKAGES]:
        shutil.rmtree(folder)


def database_file(pipeline: Any) -> Path | None:
    """Return the DuckDB file that a pipeline writes to, or None if the destination is not a local file."""
    from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

    credentials = pipeline.destination_client().config.credentials
    if type(credentials) is not DuckDbCredentials:
        return None
    location = credentials._conn_str()
    return None if location.startswith((":", "md:")) else Path(location)
