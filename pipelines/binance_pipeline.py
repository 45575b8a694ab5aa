"""Loads Binance spot market data into the destination `market`: python pipelines/binance_pipeline.py --help."""

import gc
import os
import sys
import time
from argparse import Namespace
from typing import Any

if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from pipelines import project
from pipelines.signals import Signals

signals = Signals()
if __name__ == "__main__":
    signals.watch()
project.enter()

import dlt  # noqa: E402 - dlt decides when it is imported where its project is
import duckdb  # noqa: E402
import pyarrow as pa  # noqa: E402
from dlt.common.configuration.exceptions import ConfigurationException  # noqa: E402
from dlt.common.destination.exceptions import DestinationException  # noqa: E402
from dlt.pipeline.exceptions import PipelineStepFailed  # noqa: E402

from binance_source import RequestError, SpotRun, load_configuration, spot_source  # noqa: E402
from binance_source.configured import ConfigurationError  # noqa: E402
from binance_source.request import ARCHIVE, Request, check_request, known_names  # noqa: E402
from binance_source.resources.repairs import Repairs  # noqa: E402
from binance_source.rest.errors import BinanceError  # noqa: E402
from binance_source.selection import ALL, chooser  # noqa: E402
from binance_source.series import DATASETS_OF_SERIES  # noqa: E402
from binance_source.settings import INTERVAL_MS, SPOT  # noqa: E402
from pipelines import archive_files, configuration, database, options, recovery, repair, report  # noqa: E402
from pipelines.plan import print_plan  # noqa: E402

NAME = "binance"
DONE, INCOMPLETE, WRONG_REQUEST = 0, 1, 2

OF_DLT = "a setting of dlt is wrong, in .dlt/config.toml, .dlt/secrets.toml or a variable"

_LOOKING_BACK = {
    "revisions": ("start", "end", "quote", "plan", "repair"),
    "repair": ("start", "end", "quote", "plan", "revisions"),
}
"""Options that look at what was loaded or asked for before, and those that have no meaning beside them."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Without the program's name; default those of the command line.

    Returns:
        The exit code: 0 all done, 1 something is not loaded, 2 the request is wrong, 130 or 143 after a signal.
    """
    given = options.parser().parse_args(arguments)
    try:
        known_names("market", given.market, (SPOT,))
        configuration.check()
        settings = load_configuration()
        run = SpotRun(
            _request(given),
            settings,
            known_files=lambda: archive_files.known_files(pipeline),
            keep_archives=given.keep_archives,
        )
    except (RequestError, ConfigurationError) as error:
        return _say(options.with_place(error, given), WRONG_REQUEST)
    except OSError as error:
        return _say(_loading_failed(error), INCOMPLETE)
    try:
        pipeline = project.open_pipeline(NAME)
    except (ConfigurationException, DestinationException, ValueError) as error:
        return _say(f"{OF_DLT}: {error}", WRONG_REQUEST)
    except OSError as error:
        return _say(_loading_failed(error), INCOMPLETE)
    signals.stop_orderly(run.stop)
    code = _load_all(pipeline, run, given)
    if code is None:
        print(*report.summary(run), sep="\n")
        code = INCOMPLETE if any(report.missing(run)) else DONE
        if run.repairs is not None and not signals.code:
            code = max(code, _say_repaired(pipeline, run, run.repairs))
        if given.transform and not signals.code:
            sys.stdout.flush()
            signals.stop_at_once()
            code = max(code, _transform(pipeline))
    return signals.code or code


def _request(given: Namespace) -> Request:
    for name, excluded in _LOOKING_BACK.items():
        if getattr(given, name):
            for option in excluded:
                if getattr(given, option):
                    raise RequestError(f"--{name} looks at all that was asked for before, and takes no --{option}")
            datasets = given.datasets or list(DATASETS_OF_SERIES)
            known_names("dataset", datasets, tuple(DATASETS_OF_SERIES))
            source = ARCHIVE if given.revisions else given.source
            intervals = given.intervals or list(INTERVAL_MS)
            return check_request(given.symbols or [ALL], intervals, datasets, source=source)
    return check_request(
        options.configured_list(given.symbols, "symbols"),
        options.configured_list(given.intervals, "intervals"),
        options.configured_list(given.datasets, "datasets"),
        given.start,
        given.end,
        given.source,
        given.quote,
    )


def _load_all(pipeline: Any, run: SpotRun, given: Namespace) -> int | None:
    """Load what is missing; give the exit code where nothing is left to be done after that."""
    try:
        database.check_database(pipeline)
        if not (given.revisions or given.repair):
            run.open()
        recovery.recover(pipeline, NAME)
        is_meant = chooser(given.symbols, given.intervals)
        if given.revisions:
            run.revisions = archive_files.revisions(pipeline, run.request.datasets, is_meant)
        if given.repair:
            run.repairs = repair.find_repairs(pipeline, run.request.datasets, is_meant)
        run.open()
        run.check_origin(pipeline.state)
        if given.plan:
            print_plan(run, pipeline.state)
            return DONE
        _load(pipeline, run, given.progress)
    except (RequestError, ConfigurationError) as error:
        return _say(options.with_place(error, given), WRONG_REQUEST)
    except ConfigurationException as error:
        return _say(f"{OF_DLT}: {error}", WRONG_REQUEST)
    except (BinanceError, database.DatabaseError, repair.RepairError) as error:
        return _say(error, INCOMPLETE)
    except (PipelineStepFailed, DestinationException, duckdb.Error, OSError) as error:
        return _say(_loading_failed(error), INCOMPLETE)
    finally:
        run.close()
    return None


def _say_repaired(pipeline: Any, run: SpotRun, repairs: Repairs) -> int:
    try:
        rows = sum(one.rows for found in run.reports.values() for one in found.values())
        print(*repair.summary(pipeline, repairs, run.request.datasets, rows), sep="\n")
    except repair.RepairError as error:
        return _say(error, INCOMPLETE)
    return DONE


def _load(pipeline: Any, run: SpotRun, progress: str) -> None:
    """Load package after package until nothing is missing, then the traces of how that went."""
    shown = report.Progress(progress, run)
    as_files = project.database_file(pipeline) is not None
    traces = []
    try:
        while True:
            pipeline.run(spot_source(run, as_files))
            traces.append(pipeline.last_trace)
            archive_files.settle(pipeline)
            if not run.unfinished():
                break
    finally:
        shown.close()
    # A pipeline of its own, so that `dlt pipeline binance trace` goes on showing the load of the data.
    rows = dlt.resource((_without_configuration(trace) for trace in traces), name="_trace", max_table_nesting=1)
    tracing = project.open_pipeline(f"{NAME}_trace")
    tracing.run(rows)
    for one in (pipeline, tracing):
        project.forget_old_packages(one)


def _without_configuration(trace: Any) -> dict[str, Any]:
    # Thirty rows a run that say nothing new, about the keys of the configuration.
    return {key: value for key, value in trace.asdict().items() if key != "resolved_config_values"}


def _transform(pipeline: Any) -> int:
    from pipelines.transform import dbt_build

    file = project.database_file(pipeline)
    if file is None:
        return _say("--transform works on a DuckDB file; run dbt with a profile of your own", INCOMPLETE)
    began = time.monotonic()
    built = dbt_build(file)
    for line in built.failed:
        _say(f"dbt: {line}", INCOMPLETE)
    for line in built.warned:
        print(f"WARNING: dbt: {line}")
    if not built.failed:
        print(f"models built and tested in {time.monotonic() - began:.1f}s: schemas silver and gold of {file}")
    return INCOMPLETE if built.failed else DONE


def _loading_failed(error: Exception) -> str:
    cause: BaseException = error
    while (deeper := _deeper(cause)) is not None:
        cause = deeper
    hint = "; run again: what was loaded is kept, and the rest is fetched again"
    if isinstance(cause, duckdb.Error) and database.is_locked(cause):
        hint = "; another process has opened the database: close it there and run again"
    elif isinstance(cause, OSError):
        # The file may be named without its folder.
        hint = f"; see that there is space, and that {project.ROOT / '.dlt' / '.var'} may be written; then run again"
    step = "a file" if isinstance(error, OSError) else "the database"
    return f"{getattr(error, 'step', step)} failed: {' '.join(str(cause).split())[:300]}{hint}"


def _deeper(error: BaseException) -> BaseException | None:
    # dlt hands on what went wrong in one of these ways.
    for found in (error.__cause__, getattr(error, "exception", None), getattr(error, "inner_exc", None)):
        if isinstance(found, BaseException):
            return found
    return None


def _say(what: object, code: int) -> int:
    print("error:", *str(what).split(), file=sys.stderr)
    return code


if __name__ == "__main__":
    # Pages are large lists that hold no cycles: collecting among them takes a fifth of the time that decoding does.
    gc.freeze()
    gc.set_threshold(20_000, 5, 5)
    # Arrow's own allocator hands each block back and fetches it anew: twice the time in the kernel, and more memory.
    pa.set_memory_pool(pa.system_memory_pool())
    status = main()
    if status > 128:
        # Threads may still wait for an answer of the exchange; nothing of theirs is wanted any more.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
