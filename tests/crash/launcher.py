"""Runs a pipeline command of a project, and ends it at a named stage.

launcher.py kill|hold PROJECT VENUE STAGE [options]

"kill" is SIGKILL. "hold" makes the file PROJECT/held, and goes on when it is removed.

The functions at the stages are wrapped from here; the pipeline itself knows nothing of it.
"""

import importlib
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path


@dataclass(frozen=True)
class Stage:
    """A place in the program.

    Attributes:
        module: Where the function is.
        attribute: Its name there, such as "Class.method".
        call: Which of its calls is the last one.
        after: Killed when the call has returned, and not before it.
        concerning: Only calls are counted whose first argument has a file of this name.
    """

    module: str
    attribute: str
    call: int = 1
    after: bool = False
    concerning: str = ""


PIPELINE, LOAD, COPY = "dlt.pipeline.pipeline", "dlt.load.load", "dlt.destinations.impl.duckdb.duck"
CLIENT, INSERT = "dlt.destinations.job_client_impl", "dlt.destinations.insert_job_client"

STAGES = {
    "fetching from REST": Stage("binance_source.rest.client", "RestClient._attempt", call=6),
    "fetching a file": Stage("binance_source.archive.host", "ArchiveHost.download", call=3, after=True),
    "writing a package": Stage("pyarrow.parquet", "ParquetWriter.write_table", after=True),
    "before normalise": Stage(PIPELINE, "Pipeline.normalize"),
    "after normalise": Stage(PIPELINE, "Pipeline.normalize", after=True),
    "before the load": Stage(LOAD, "Load.load_single_package"),
    "tables made": Stage(LOAD, "Load.initialize_package", after=True),
    "rows of a table copied": Stage(COPY, "DuckDbCopyJob.run", after=True, concerning="trades"),
    "line of a file copied": Stage(COPY, "DuckDbCopyJob.run", after=True, concerning="archive_files"),
    "state copied": Stage(INSERT, "InsertValuesLoadJob.run", after=True, concerning="_dlt_pipeline_state"),
    "before the entry of the load": Stage(CLIENT, "SqlJobClientBase.complete_load"),
    "after the entry of the load": Stage(CLIENT, "SqlJobClientBase.complete_load", after=True),
    "before recovery": Stage("market_loader.recovery", "recover"),
    "orphans removed": Stage("market_loader.recovery", "_remove_orphans", after=True),
    "working folder emptied": Stage(PIPELINE, "Pipeline._wipe_working_folder", after=True),
    "working folder dropped": Stage(PIPELINE, "Pipeline.drop", after=True),
    "state restored": Stage(PIPELINE, "Pipeline.sync_destination", after=True),
    "settled in recovery": Stage("market_loader.archive_files", "remove_replaced", after=True),
    "load archived": Stage(LOAD, "Load.complete_package", after=True),
    "before settling": Stage("market_loader.archive_files", "remove_replaced", call=2),
    "before the next package": Stage("market_loader.command", "package", call=2),
    "trace copied": Stage(INSERT, "InsertValuesLoadJob.run", after=True, concerning="_trace"),
}

OTHER_STAGES = {
    "importing": Stage("market_loader.project", "enter"),
    "copying": Stage(COPY, "DuckDbCopyJob.run"),
    "candles copied": Stage(COPY, "DuckDbCopyJob.run", after=True, concerning="candles"),
    "before the models": Stage("market_loader.transform", "dbt_build"),
    "building models": Stage("dbt.adapters.sql.connections", "SQLConnectionManager.add_query", call=20),
}


def kill(folder: str) -> None:
    """End as a power cut does."""
    os.kill(os.getpid(), signal.SIGKILL)


def hold(folder: str) -> None:
    """Say that the stage is reached, and stay there until told to go on."""
    marker = Path(folder, "held")
    marker.touch()
    while marker.exists():
        time.sleep(0.05)


ACTIONS = {"kill": kill, "hold": hold}


def act_at(stage: Stage, act: Callable[[], None]) -> None:
    """Wrap the function at a stage."""
    *path, name = stage.attribute.split(".")
    holder = importlib.import_module(stage.module)
    for part in path:
        holder = getattr(holder, part)
    function = getattr(holder, name)
    calls = 0

    @wraps(function)
    def wrapped(*args, **kwargs):
        nonlocal calls
        is_meant = stage.concerning in str(getattr(args[0], "_file_path", "")) if stage.concerning else True
        calls += is_meant
        is_last = is_meant and calls >= stage.call
        if is_last and not stage.after:
            act()
        result = function(*args, **kwargs)
        if is_last and stage.after:
            act()
        return result

    setattr(holder, name, wrapped)


def main() -> None:
    """Run the command."""
    action, folder, venue, stage, *options = sys.argv[1:]
    sys.path[0] = folder
    # Where dlt's project is has to be decided before dlt is imported.
    importlib.import_module("market_loader.project").enter()
    act_at((STAGES | OTHER_STAGES)[stage], partial(ACTIONS[action], folder))
    script = str(Path(folder) / "pipelines" / f"{venue}_pipeline.py")
    sys.argv = [script, "--progress", "none", *options]
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
