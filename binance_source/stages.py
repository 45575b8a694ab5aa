"""The stages of a dataset's fetching: out of the archive first, then by REST what it did not give."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from .archive.host import ArchiveFile, ArchiveHost
from .archive.verified import Downloads
from .request import ARCHIVE, REST
from .resources.archived import ArchiveWalk
from .resources.archived_series import ArchiveSeries, KnownFiles
from .resources.file_task import Archive
from .resources.revisions import Revisions, RevisionWalk
from .resources.samples import Sample, daily_sample, rest_sample
from .resources.walk import Walk
from .rest.client import RestClient, Tally
from .series import DATASETS_OF_SERIES, Coverage, Scope
from .settings import BinanceConfiguration

LOOKAHEAD_PAGES = 16
"""Pages of REST fetched ahead for each connection."""

Stage = Walk | ArchiveWalk | RevisionWalk


class Report(Protocol):
    """What the stages count for a series."""

    tally: Tally


class Staged(Protocol):
    """What the stages need of a run (see SpotRun)."""

    configuration: BinanceConfiguration
    client: RestClient
    host: ArchiveHost
    pool: ThreadPoolExecutor
    stop: threading.Event
    source: str
    keep_archives: Path | None
    revisions: Revisions | None

    @property
    def now_us(self) -> int:
        """The run's "now" in microseconds since 1970."""

    @property
    def listed_names(self) -> list[str]:
        """The symbols that REST knows."""

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
    kind = DATASETS_OF_SERIES[dataset]
    config = run.configuration
    downloads = Downloads(run.host, run.keep_archives, run.stop, config.backoff_seconds)
    if run.revisions is not None:
        yield RevisionWalk(dataset, run.revisions, run.host, downloads, run.now_us, run.stop)
        return
    if run.source != REST:
        archived = kind.archive(scope, coverage(), run.followed_by_rest)
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
        rest = kind.rest(replace(scope, names=run.listed_names), run.client, coverage())
        for series in rest:
            series.tally = run.report(dataset, series.key).tally
        yield Walk(rest, run.pool, config.connections * LOOKAHEAD_PAGES, run.stop)
