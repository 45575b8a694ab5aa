"""How fast archive zips get into DuckDB: the pipeline against DuckDB alone and against other tools, on the same files.

    python -m benchmarks.archive [klines] [agg_trades] [history]

klines      2.6M 1m klines: five symbols, a year in monthly files, across the change to microseconds of 2025-01-01
agg_trades  10M aggregate trades of one symbol in nine daily files, across the same date
history     peak memory of the pipeline alone, over the klines of a year and over those of four years

All come from one local server on the same machine. The contestants take turns; each is a process of its own, timed from
its start to its end. What the pipeline has loaded must be equal to what DuckDB alone has, or the benchmark fails.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.archive_contestants import (
    BASELINE,
    PEERS,
    PIPELINE,
    Environments,
    Peer,
    Run,
    look,
    measured,
    peer_command,
    pipeline_environment,
)
from benchmarks.archive_files import Job, agg_trades_job, klines_job, make_files
from benchmarks.rest import MARKET, Bench
from exchange_simulator import running_simulator
from exchange_simulator.handle import Simulator

_HISTORY: Final = 4
"""How many times the usual klines the long history has."""


@dataclass(frozen=True)
class Result:
    """One run and what it left: rows, or why it does not count."""

    run: Run
    found: dict[str, Any]
    fault: str

    @property
    def rate(self) -> float:
        """Rows a second of the whole process."""
        return float(self.found.get("rows", 0)) / self.run.seconds

    def told(self) -> str:
        """What is printed of it."""
        return (
            f"{self.run.seconds:6.2f} s, {self.found.get('rows', 0):,} rows, {self.rate:,.0f} rows/s, "
            f"peak {self.run.memory_bytes / 1e6:,.0f} MB, CPU {self.run.cpu_seconds:.1f} s"
            f"{'; ' + self.fault if self.fault else ''}"
        )


class Race:
    """The contestants of a job, and a folder for what they leave."""

    def __init__(self, job: Job, exchange: Simulator, environments: Environments, folder: Path) -> None:
        self._job = job
        self._exchange = exchange
        self._environments = environments
        self._folder = folder
        self._bench = job_bench(job, folder / "project")
        self._counter = environments.counter

    def round(self, names: Sequence[str]) -> dict[str, Result]:
        """Let each contestant run once."""
        results = {name: self._run(name) for name in names}
        ours, baseline = results.get(PIPELINE), results.get(BASELINE)
        if ours and baseline and not ours.fault and ours.found != baseline.found:
            fault = f"NOT EQUAL to {BASELINE}: {ours.found} and {baseline.found}"
            results[PIPELINE] = Result(ours.run, ours.found, fault)
        return results

    def _run(self, name: str) -> Result:
        if name == PIPELINE:
            return run_pipeline(self._bench, self._job, self._exchange, self._counter)
        peer = next(peer for peer in PEERS if peer.name == name)
        with tempfile.TemporaryDirectory(dir=self._folder) as text:
            folder = Path(text)
            target = folder / "target"
            target.mkdir()
            command = peer_command(peer, self._environments.python(peer), self._job, self._exchange.url, target)
            run = measured(command, folder)
            return self._result(run, peer, target)

    def _result(self, run: Run, peer: Peer, target: Path) -> Result:
        path = target / "market.duckdb" if peer.kind == "database" else target
        if run.status and peer.kind == "database":
            return Result(run, {}, failure(run))
        found = look(self._counter, self._job, peer.kind, path)
        return Result(run, found, failure(run) if run.status else wrong_count(found, self._job))


def job_bench(job: Job, folder: Path) -> Bench:
    """Copy the project into a folder, with a market whose symbols are as old as the job's files."""
    folder.mkdir()
    bench = Bench(folder, len(job.symbols))
    bench.market.write_text(market(job))
    return bench


def market(job: Job) -> str:
    """The simulated market of a job: only its names and dates are needed, the rows come from the files."""
    return MARKET.format(count=len(job.symbols)).replace("listed = 2025-01-01", f"listed = {job.first}")


def serving(job: Job, files: Path, folder: Path) -> AbstractContextManager[Simulator]:
    """Serve a job's files, on the second day after the last one."""
    path = folder / "market.toml"
    path.write_text(market(job))
    clock = (job.end + timedelta(days=1)).isoformat()
    return running_simulator(market=path, archive_folder=files, clock=f"{clock}T00:00:00", clock_mode="frozen")


def run_pipeline(bench: Bench, job: Job, exchange: Simulator, counter: str) -> Result:
    """Run the pipeline as a user starts it, into an empty database and without its state."""
    for file in bench.folder.glob("market.duckdb*"):
        file.unlink()
    shutil.rmtree(bench.folder / ".dlt" / ".var", ignore_errors=True)
    script = bench.folder / "pipelines" / "binance_pipeline.py"
    options = ["--progress", "none", "--datasets", job.name, "--source", "archive", "--symbols", ",".join(job.symbols)]
    period = ["--intervals", "1m", "--start", job.first.isoformat(), "--end", job.end.isoformat()]
    run = measured([sys.executable, str(script), *options, *period], bench.folder, pipeline_environment(exchange.url))
    if run.status:
        return Result(run, {}, failure(run))
    found = look(counter, job, "database", bench.database)
    return Result(run, found, wrong_count(found, job))


def failure(run: Run) -> str:
    """Say how a contestant failed: its exit code and its last line."""
    lines = run.output.strip().splitlines() or [""]
    return f"FAILED with {run.status}: {lines[-1]}"


def wrong_count(found: dict[str, Any], job: Job) -> str:
    """Say what is wrong with the number of rows, if something is."""
    if found["rows"] != job.rows:
        return f"WRONG: {found['rows']:,} rows of {job.rows:,}"
    if found["keys"] != job.rows:
        return f"WRONG: {job.rows - found['keys']:,} rows twice"
    return ""


def race(job: Job, given: argparse.Namespace) -> bool:
    """Let all contestants run in turn; the first round, which warms everything up, does not count.

    Returns:
        Whether the pipeline and DuckDB alone loaded all, and equally, in each round.
    """
    names = given.only or known()
    environments = Environments(given.environments)
    for peer in PEERS:
        if peer.name in (BASELINE, *names):
            environments.python(peer)
    files = make_files(job, given.files)
    print(f"{job.name}: {job.rows:,} rows of {len(job.symbols)} symbols, {job.first} to {job.last}", flush=True)
    rounds = []
    with tempfile.TemporaryDirectory() as text, serving(job, files, Path(text)) as exchange:
        contest = Race(job, exchange, environments, Path(text))
        for number in range(given.runs + 1):
            results = contest.round(names)
            rounds.append(results)
            for name, result in results.items():
                print(f"  {f'run {number}' if number else 'warm-up'}  {name:24} {result.told()}", flush=True)
    print_table(rounds[1:])
    checked = [results[name] for results in rounds for name in (PIPELINE, BASELINE) if name in results]
    return not any(result.fault for result in checked)


def print_table(rounds: list[dict[str, Result]]) -> None:
    """Print medians, and of each contestant's rows a second, the share of DuckDB alone's in the same round."""
    print(f"\nmedians of {len(rounds)} runs; the range of the shares in brackets\n")
    print("| contestant | wall s | rows | rows/s | of DuckDB alone | peak MB | CPU s | CHECKSUM | leaves |")
    print("|---|--:|--:|--:|--:|--:|--:|---|---|")
    qualities = {peer.name: (peer.verifies, peer.leaves) for peer in PEERS}
    for name in rounds[0]:
        results = [results[name] for results in rounds]
        shares = [each[name].rate / each[BASELINE].rate for each in rounds if BASELINE in each and each[BASELINE].rate]
        compared = f"{statistics.median(shares):.2f} ({min(shares):.2f}-{max(shares):.2f})" if shares else "-"
        faults = [result.fault for result in results if result.fault]
        verifies, leaves = qualities.get(name, (True, "DuckDB, decimals"))
        cells = (
            f"{name}: {faults[-1].partition(':')[0]}" if faults else name,
            f"{median(results, lambda result: result.run.seconds):.2f}",
            f"{min(result.found.get('rows', 0) for result in results):,}",
            f"{median(results, lambda result: result.rate):,.0f}",
            compared,
            f"{max(result.run.memory_bytes for result in results) / 1e6:,.0f}",
            f"{median(results, lambda result: result.run.cpu_seconds):.1f}",
            "verified" if verifies else "no",
            leaves,
        )
        print(f"| {' | '.join(cells)} |")
    print()


def median(results: Sequence[Result], value: Callable[[Result], float]) -> float:
    """The median of something of each result."""
    return statistics.median(map(value, results))


def history(given: argparse.Namespace) -> bool:
    """Measure the pipeline's peak memory over a short and over a long history; tell whether all was loaded."""
    is_complete = True
    counter = Environments(given.environments).counter
    for times in (1, _HISTORY):
        job = klines_job(given.rows_scale, times)
        files = make_files(job, given.files)
        with tempfile.TemporaryDirectory() as text, serving(job, files, Path(text)) as exchange:
            result = run_pipeline(job_bench(job, Path(text) / "project"), job, exchange, counter)
        months = f"{job.first:%Y-%m} to {job.last:%Y-%m}"
        print(f"history: {job.rows:,} klines of {len(job.symbols)} symbols, {months}: {result.told()}", flush=True)
        is_complete = is_complete and not result.fault
    return is_complete


def parser() -> argparse.ArgumentParser:
    """Make the command line's parser."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = found.add_argument
    add("what", nargs="*", metavar="what", help="klines, agg_trades, history; default the first two")
    add("--runs", type=int, default=3, help="counted runs of each contestant")
    add("--rows-scale", type=float, default=1.0, metavar="SHARE", help="share of the rows; 0.1 for a quick look")
    add("--only", type=lambda text: text.split(","), metavar="A,B", help=f"of {PIPELINE}, {', '.join(known()[1:])}")
    add("--files", type=Path, metavar="FOLDER", help="keeps the made files for the next time; default a temporary one")
    add(
        "--environments",
        type=Path,
        metavar="FOLDER",
        help="keeps the contestants' installations; default a temporary one",
    )
    return found


def known() -> list[str]:
    """The names of all contestants."""
    return [PIPELINE, *(peer.name for peer in PEERS)]


def main() -> None:
    """Run what is named on the command line; exit with 1 if something was not loaded as it should."""
    made = parser()
    given = made.parse_args()
    measures: dict[str, Callable[[], bool]] = {
        "klines": lambda: race(klines_job(given.rows_scale), given),
        "agg_trades": lambda: race(agg_trades_job(given.rows_scale), given),
        "history": lambda: history(given),
    }
    for kind, names, possible in (("measure", given.what, measures), ("contestant", given.only or [], known())):
        if unknown := sorted(set(names) - set(possible)):
            made.error(f"unknown {kind} {', '.join(unknown)}; there are {', '.join(possible)}")
    if given.runs < 1 or given.rows_scale <= 0:
        made.error("--runs and --rows-scale must be above zero")
    with tempfile.TemporaryDirectory() as folder:
        given.files = (given.files or Path(folder) / "files").resolve()
        given.environments = (given.environments or Path(folder) / "environments").resolve()
        try:
            outcomes = [measures[name]() for name in given.what or ("klines", "agg_trades")]
        except subprocess.CalledProcessError as error:
            sys.exit(f"{' '.join(map(str, error.cmd[:4]))} ... failed: {error.stderr or error.returncode}")
    sys.exit(0 if all(outcomes) else 1)


if __name__ == "__main__":
    main()
