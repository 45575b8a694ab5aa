"""The stages of a dataset's fetching: out of the archive first, then by REST what it did not give."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from exchange_engine.coverage import Coverage
from exchange_engine.http.transport import Tally
from exchange_engine.request import ARCHIVE, REST
from exchange_engine.walk import LOOKAHEAD_PAGES, Walk

from .archive.file_task import Archive
from .archive.host import ArchiveFile, ArchiveHost
from .archive.revisions import Revisions, RevisionWalk
from .archive.samples import Sample, daily_sample, rest_sample
from .archive.series import ArchiveSeries, KnownFiles
from .archive.verified import Downloads
from .archive.walk import ArchiveWalk
from .repair.by_rest import RestRepair
from .repair.gaps import Question, Repairs
from .repair.in_archive import ArchiveRepair
from .rest.client import RestClient
from .series import DATASETS_OF_SERIES, Scope, asked_before
from .settings import BinanceConfiguration

Stage = Walk | ArchiveWalk | RevisionWalk | ArchiveRepair | RestRepair


class Report(Protocol):
    """What the stages count for a series."""

    tally: Tally


class Staged(Protocol):
    """What the stages need of a run (see MarketRun)."""

    configuration: BinanceConfiguration
    client: RestClient
    host: ArchiveHost
    pool: ThreadPoolExecutor
    stop: threading.Event
    source: str
    keep_archives: Path | None
    revisions: Revisions | None
    repairs: Repairs | None

    @property
    def now_us(self) -> int:
        """The run's "now" in microseconds since 1970."""

    @property
    def followed_by_rest(self) -> frozenset[str]:
        """The symbols of which REST is asked for what the archive does not give."""

    def known_files(self) -> KnownFiles:
        """Say what the destination has of the archive's files."""

    def report(self, dataset: str, series: str) -> Report:
        """Give the report of a series."""


def stages(run: Staged, dataset: str, scope: Scope, coverage: Callable[[], Coverage]) -> Iterator[Stage]:
    """Make the stages of a dataset, each when the one before is done: what is covered then is not fetched again.

    Args:
        run: The run, open.
        dataset: Of DATASETS_OF_SERIES.
        scope: What its series are made for.
        coverage: Gives what is covered by now.
    """
    downloads = Downloads(run.host, run.keep_archives, run.stop, run.configuration.backoff_seconds)
    if run.revisions is not None:
        yield RevisionWalk(dataset, run.revisions, run.host, downloads, run.now_us, run.stop)
    elif run.repairs is not None:
        yield from _repairs(run, run.repairs, dataset, scope, coverage, downloads)
    else:
        yield from _missing(run, dataset, scope, coverage, downloads)


def _missing(
    run: Staged, dataset: str, scope: Scope, coverage: Callable[[], Coverage], downloads: Downloads
) -> Iterator[Stage]:
    """Fetch what is wanted and not covered."""
    kind = DATASETS_OF_SERIES[dataset]
    config = run.configuration
    if run.source != REST:
        archived = kind.from_archive(scope, coverage(), run.followed_by_rest, run.source)
        for one in archived:
            run.report(dataset, one.key)

        def sample(series: ArchiveSeries, file: ArchiveFile) -> Sample | None:
            if not series.followed_by_rest:
                return daily_sample(run.host, downloads, series, file, run.now_us, run.stop)
            tally = run.report(dataset, series.key).tally
            now_ms = run.now_us // 1000
            return rest_sample(run.client, series.dataset, series.symbol, series.interval, file, now_ms, tally)

        archive = Archive(
            host=run.host,
            downloads=downloads,
            known=run.known_files(),
            sampler=sample,
            samples=config.archive_samples,
            threads=config.archive_connections,
            now_us=run.now_us,
            stop=run.stop,
        )
        yield ArchiveWalk(archived, lambda key: coverage().get(key, []), archive)
    if run.source != ARCHIVE:
        listed = [name for name in scope.names if name in run.followed_by_rest]
        rest = kind.rest(replace(scope, names=listed), run.client, coverage())
        for series in rest:
            series.tally = run.report(dataset, series.key).tally
        yield Walk(rest, run.pool, config.connections * LOOKAHEAD_PAGES, run.stop)


def _repairs(
    run: Staged, repairs: Repairs, dataset: str, scope: Scope, coverage: Callable[[], Coverage], downloads: Downloads
) -> Iterator[Stage]:
    """Fetch what was asked for before and never answered, then ask again for what was answered with nothing."""
    begun_with = {key: list(entries) for key, entries in coverage().items()}
    for periods in asked_before(scope, repairs.is_meant):
        yield from _missing(run, dataset, periods, coverage, downloads)
    # What was just fetched for the first time is asked for again in a later run, if anything of it is missing.
    gaps = [gap for gap in repairs.gaps if gap.dataset == dataset]
    questions = [Question(gap) for gap in gaps if gap.is_within(begun_with.get(gap.series, []))]
    for question in questions:
        run.report(dataset, question.gap.series)
    if run.source != REST:
        threads = run.configuration.archive_connections
        yield ArchiveRepair(questions, repairs, run.host, downloads, threads, run.now_us, run.stop)
    if run.source != ARCHIVE:

        def tally(series: str) -> Tally:
            return run.report(dataset, series).tally

        yield RestRepair(questions, repairs, run.client, run.followed_by_rest, run.pool, run.now_us, run.stop, tally)
