"""What the commands of all venues share: one job, from the options to the exit code."""

import contextlib
import errno
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import dlt
import duckdb
import pyarrow as pa
from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.destination.exceptions import DestinationException
from dlt.pipeline.exceptions import PipelineStepFailed

from exchange_engine.config.providers import ConfigurationError
from exchange_engine.http.errors import GeoBlockedError, SourceError
from exchange_engine.plan import plan
from exchange_engine.request import RequestError
from exchange_engine.resources import package
from exchange_engine.run import Run

from . import archive_files, configuration, database, destination, lock, options, project, recovery, repair, report
from .codes import BLOCKED, BUSY, DONE, INCOMPLETE, WRONG_REQUEST
from .signals import Signals

OF_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS})
"""Error numbers that mean a lack of space or permissions."""

OF_DLT = "a setting of dlt is wrong, in .dlt/config.toml, .dlt/secrets.toml or a variable"


def _nothing(*_arguments: Any) -> None:
    """Do nothing: the default of a job's `prepare`."""


@dataclass
class Job:
    """What one command does.

    Attributes:
        name: Name of the dlt pipeline and of the section of the configuration.
        runs: The runs, one after the other; all of them are opened before the first one fetches.
        prepare: Called with the dlt pipeline once the database is sound, before the runs are opened.
        summary: Called with the dlt pipeline at the end; returns more lines for the summary.
        skipped: Lines about what is not done, and was not requested by name.
        is_asked_by_name: Whether a market that does not serve this location is a failure rather than skipped.
        is_blocked: Whether none of the runs serves this location.
        failed: Titles of the runs that could not be opened.
    """

    name: str
    runs: Sequence[Run]
    prepare: Callable[[Any], None] = _nothing
    summary: Callable[[Any], Iterable[str]] = lambda _pipeline: ()
    skipped: list[str] = field(default_factory=list)
    is_asked_by_name: bool = True
    is_blocked: bool = False
    failed: list[str] = field(default_factory=list)


def execute(given: Namespace, section: str, make_job: Callable[[Any], Job], signals: Signals) -> int:
    """Do a job.

    Args:
        given: The options.
        section: Section of the configuration, such as "binance".
        make_job: Returns the job; takes a function that returns the dlt pipeline once it is open.
        signals: Signals that end it early.

    Returns:
        The exit code: 0 all done, 1 something is not loaded, 2 the request is wrong, 130 or 143 after a signal.
    """
    # Arrow's own allocator returns each block to the system and fetches it again: twice the kernel time, more memory.
    pa.set_memory_pool(pa.system_memory_pool())
    opened: list[Any] = []
    try:
        configuration.check()
        job = make_job(lambda: opened[0])
    except (RequestError, ConfigurationError) as error:
        return say(options.with_place(error, given, section), WRONG_REQUEST)
    except OSError as error:
        return say(_loading_failed(error), INCOMPLETE)
    pipeline = open_pipeline(job.name, given)
    if isinstance(pipeline, int):
        return pipeline
    opened.append(pipeline)
    signals.stop_orderly(job.runs[0].stop)
    code = _load_all(pipeline, job, given, section)
    if code is None:
        code = _report(pipeline, job, signals)
        if given.transform and not signals.code:
            sys.stdout.flush()
            signals.stop_at_once()
            code = max(code, transform(pipeline))
    return signals.code or code


def open_pipeline(name: str, given: Namespace) -> Any:
    """Open a dlt pipeline once no other run is in progress; or print why that is impossible, and return the exit code.

    Args:
        name: Name of the pipeline.
        given: The options.
    """
    try:
        destination.check_type()
        lock.acquire(given.wait)
        pipeline = project.open_pipeline(name)
        # Other wrong credentials are reported by database.py.
        with contextlib.suppress(ConfigurationException):
            destination.check_name(project.database_file(pipeline))
        return pipeline
    except lock.LockedError as error:
        return say(error, BUSY if given.as_part else INCOMPLETE)
    except ConfigurationError as error:
        return say(error, WRONG_REQUEST)
    except (ConfigurationException, DestinationException, ValueError) as error:
        return say(f"{OF_DLT}: {error}", WRONG_REQUEST)
    except OSError as error:
        return say(_loading_failed(error), INCOMPLETE)


def say(what: object, code: int) -> int:
    """Print an error on one line, and return the exit code."""
    print("error:", *str(what).split(), file=sys.stderr)
    return code


def transform(pipeline: Any) -> int:
    """Build and test the models, and return the exit code."""
    from .transform import dbt_build

    file = project.database_file(pipeline)
    if file is None:
        return say("--transform works on a DuckDB file; run dbt with a profile of your own", INCOMPLETE)
    began = time.monotonic()
    built = dbt_build(file)
    for line in built.failed:
        say(f"dbt: {line}", INCOMPLETE)
    for line in built.warned:
        print(f"WARNING: dbt: {line}")
    if not built.failed:
        print(f"models built and tested in {time.monotonic() - began:.1f}s: schemas silver and gold of {file}")
    return INCOMPLETE if built.failed else DONE


def _load_all(pipeline: Any, job: Job, given: Namespace, section: str) -> int | None:
    """Load what is missing; return an exit code if nothing is left to do after that."""
    try:
        database.check_database(pipeline)
        if job.prepare is _nothing:
            runs = _open(job)
            recovery.recover(pipeline, job.name)
        else:
            # What is retried is read from the database, which must be sound first.
            recovery.recover(pipeline, job.name)
            job.prepare(pipeline)
            runs = _open(job)
        if not runs:
            return BLOCKED if given.as_part and job.is_blocked else INCOMPLETE
        for run in runs:
            run.check_origin(pipeline.state)
        if given.plan:
            plans = [plan(run, pipeline.state) for run in runs]
            print(*chain(*map(report.of_plan, plans), job.skipped), sep="\n")
            return INCOMPLETE if job.failed or any(one.lacking for one in plans) else DONE
        _load(pipeline, job, runs, given.progress)
    except (RequestError, ConfigurationError) as error:
        return say(options.with_place(error, given, section), WRONG_REQUEST)
    except ConfigurationException as error:
        return say(f"{OF_DLT}: {error}", WRONG_REQUEST)
    except (SourceError, database.DatabaseError, repair.RepairError) as error:
        return say(error, INCOMPLETE)
    except (PipelineStepFailed, DestinationException, duckdb.Error, OSError) as error:
        return say(_loading_failed(error), INCOMPLETE)
    finally:
        for run in job.runs:
            run.close()
    return None


def _open(job: Job) -> list[Run]:
    """Connect all runs and resolve their symbols; a failure of one does not stop the others."""
    reached: list[Run] = []
    blocked: list[tuple[Run, GeoBlockedError]] = []
    for run in job.runs:
        try:
            run.connect()
            reached.append(run)
        except GeoBlockedError as error:
            blocked.append((run, error))
        except SourceError as error:
            job.failed.append(run.venue.title)
            say(error, INCOMPLETE)
            if run.stop.is_set():
                return []
    job.is_blocked = len(blocked) == len(job.runs)
    for run, refusal in blocked:
        if reached and not job.is_asked_by_name:
            job.skipped.append(f"skipped: {', '.join(run.request.datasets)} of {run.venue.title}: {refusal}")
        else:
            job.failed.append(run.venue.title)
            say(refusal, INCOMPLETE)
    for run in reached:
        run.open([other for other in reached if other is not run])
    return reached


def _load(pipeline: Any, job: Job, runs: Sequence[Run], progress: str) -> None:
    """Load package after package until nothing is missing, then the traces of the loads."""
    as_files = project.database_file(pipeline) is not None
    traces = []
    for run in runs:
        shown = report.Progress(progress, run)
        try:
            while True:
                pipeline.run(package(run, as_files))
                traces.append(pipeline.last_trace)
                archive_files.remove_replaced(pipeline)
                if not run.unfinished():
                    break
        finally:
            shown.close()
        if run.stop.is_set():
            break
    # The traces have a pipeline of their own, so that `dlt pipeline binance trace` still shows the load of the data.
    rows = dlt.resource((_without_configuration(trace) for trace in traces), name="_trace", max_table_nesting=1)
    tracing = project.open_pipeline(f"{job.name}_trace")
    tracing.run(rows)
    for one in (pipeline, tracing):
        project.forget_old_packages(one)


def _report(pipeline: Any, job: Job, signals: Signals) -> int:
    print(*report.summary(job.runs, job.skipped), sep="\n")
    code = INCOMPLETE if job.failed or any(report.missing(job.runs)) else DONE
    if not signals.code:
        try:
            for line in job.summary(pipeline):
                print(line)
        except repair.RepairError as error:
            code = max(code, say(error, INCOMPLETE))
    return code


def _without_configuration(trace: Any) -> dict[str, Any]:
    # The configuration keys would add thirty rows per run without news.
    return {key: value for key, value in trace.asdict().items() if key != "resolved_config_values"}


def _loading_failed(error: Exception) -> str:
    cause: BaseException = error
    while (deeper := _deeper(cause)) is not None:
        cause = deeper
    hint = "; run again: what was loaded is kept, and the rest is fetched again"
    if isinstance(cause, duckdb.Error) and database.is_locked(cause):
        hint = "; another process has opened the database: close it there and run again"
    elif isinstance(cause, OSError) and cause.errno in OF_SPACE:
        # The error may name the file without its folder.
        hint = f"; see that there is space, and that {project.ROOT / '.dlt' / '.var'} may be written; then run again"
    step = "a file" if isinstance(error, OSError) else "the database"
    return f"{getattr(error, 'step', step)} failed: {' '.join(str(cause).split())[:300]}{hint}"


def _deeper(error: BaseException) -> BaseException | None:
    # dlt passes the cause on in one of these ways.
    for found in (error.__cause__, getattr(error, "exception", None), getattr(error, "inner_exc", None)):
        if isinstance(found, BaseException):
            return found
    return None
