"""The walks of a dataset: through the archive, then through REST for the rest; and those of revisions and repairs."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from exchange_engine.coverage import Coverage
from exchange_engine.http.transport import Tally
from exchange_engine.request import ARCHIVE, REST
from exchange_engine.run import Run
from exchange_engine.walk import Walk

from .archive.file_task import Archive
from .archive.host import ArchiveFile
from .archive.samples import Sample, daily_sample, rest_sample
from .archive.series import ArchiveSeries
from .archive.walk import ArchiveWalk
from .connection import Connection
from .repair.by_rest import RestRepair
from .repair.gaps import Question, Repairs
from .repair.in_archive import ArchiveRepair
from .series import DATASETS_OF_SERIES, MarketScope, requested_before


def missing_walks(connection: Connection, run: Run, dataset: str, scope: MarketScope) -> Iterator[Walk]:
    """Yield the walks for what is requested and not loaded; the next one begins when the one before is done.

    Args:
        connection: Connection to the market.
        run: The run, open.
        dataset: One of DATASETS_OF_SERIES.
        scope: Scope of its series.
    """
    kind = DATASETS_OF_SERIES[dataset]
    if connection.source != REST:
        archived = kind.from_archive(scope, run.covered(dataset), connection.followed_by_rest, connection.source)
        for one in archived:
            run.report(dataset, one.key)
        archive = Archive(
            host=connection.host,
            downloads=connection.downloads,
            known=connection.known_files(),
            sampler=_sampler(connection, run, dataset),
            samples=connection.configuration.archive_samples,
            threads=connection.configuration.archive_connections,
            now_us=run.now_us,
            stop=run.stop,
        )
        yield ArchiveWalk(archived, lambda key: run.covered(dataset).get(key, []), archive)
    if connection.source != ARCHIVE:
        listed = replace(scope, names=connection.listed(scope.names))
        yield run.series_walk(dataset, kind.rest(listed, connection.client, run.covered(dataset)))


def repair_walks(
    connection: Connection, run: Run, dataset: str, scope: MarketScope, repairs: Repairs
) -> Iterator[Walk]:
    """Yield the walks for what was requested before and is not covered, then for gaps in what is covered."""
    begun_with: Coverage = {key: list(entries) for key, entries in run.covered(dataset).items()}
    for periods in requested_before(scope, repairs.is_meant):
        yield from missing_walks(connection, run, dataset, periods)
    # Gaps in what was just fetched for the first time are left to a later run.
    gaps = [gap for gap in repairs.gaps if gap.dataset == dataset]
    questions = [Question(gap) for gap in gaps if gap.is_within(begun_with.get(gap.series, []))]
    for question in questions:
        run.report(dataset, question.gap.series)
    if connection.source != REST:
        threads = connection.configuration.archive_connections
        yield ArchiveRepair(questions, repairs, connection.host, connection.downloads, threads, run.now_us, run.stop)
    if connection.source != ARCHIVE:

        def tally(series: str) -> Tally:
            return run.report(dataset, series).tally

        listed = connection.followed_by_rest
        yield RestRepair(questions, repairs, connection.client, listed, run.pool, run.now_us, run.stop, tally)


def _sampler(connection: Connection, run: Run, dataset: str) -> Callable[[ArchiveSeries, ArchiveFile], Sample | None]:
    def sample(series: ArchiveSeries, file: ArchiveFile) -> Sample | None:
        if not series.followed_by_rest:
            return daily_sample(connection.host, connection.downloads, series, file, run.now_us, run.stop)
        tally = run.report(dataset, series.key).tally
        now_ms = run.now_us // 1000
        return rest_sample(connection.client, series.dataset, series.symbol, series.interval, file, now_ms, tally)

    return sample
