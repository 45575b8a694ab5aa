"""What the series of a market would take, without fetching them: files of the archive, and REST requests."""

from collections.abc import Iterator
from dataclasses import replace

from exchange_engine.coverage import IDS, Coverage
from exchange_engine.request import ARCHIVE, REST
from exchange_engine.run import Run
from exchange_engine.venue import PlannedSeries
from exchange_engine.walk import Series

from .archive.host import ArchiveFile
from .archive.series import ArchiveSeries
from .connection import Connection
from .series import DATASETS_OF_SERIES, Dataset, MarketScope


def planned_series(
    connection: Connection, run: Run, dataset: str, scope: MarketScope, coverage: Coverage
) -> Iterator[PlannedSeries]:
    """Yield what each series of a dataset would take, after requests for listings and the ends of REST's data.

    Args:
        connection: Connection to the market.
        run: The run, open.
        dataset: One of DATASETS_OF_SERIES.
        scope: Scope of the series.
        coverage: Coverage of the dataset.
    """
    kind = DATASETS_OF_SERIES[dataset]
    files: dict[str, list[ArchiveFile]] = {}
    if connection.source != REST:
        archived = kind.from_archive(scope, coverage, connection.followed_by_rest, connection.source)
        chosen = run.pool.map(lambda one: _choose(connection, one, coverage), archived)
        files = {one.key: found for one, found in zip(archived, chosen, strict=True)}
    pages: dict[str, int] = {}
    if connection.source != ARCHIVE:
        rest = [
            one
            for name in connection.listed(run.names)
            for one in _rest_after(connection, kind, replace(scope, names=[name]), coverage, files)
        ]
        for one, steps in zip(rest, run.pool.map(lambda one: one.open(), rest), strict=True):
            pages[one.key] = len(steps)
    weight = connection.market.endpoints[kind.endpoint].weight
    for key in dict.fromkeys([*files, *pages]):
        requests, found = pages.get(key, 0), files.get(key, [])
        size = sum(file.size for file in found)
        yield PlannedSeries(dataset, key, requests, requests * weight, len(found), size)


def _choose(connection: Connection, series: ArchiveSeries, coverage: Coverage) -> list[ArchiveFile]:
    missing = series.missing(coverage.get(series.key, []))
    known = connection.known_files()
    return series.choose(series.look_up(connection.host, missing, known), missing, known, frozenset())


def _rest_after(
    connection: Connection, kind: Dataset, scope: MarketScope, coverage: Coverage, files: dict[str, list[ArchiveFile]]
) -> list[Series]:
    """Return the REST series of a symbol as they will be once its files are loaded."""
    if kind.ranges is not IDS:
        expected = dict(coverage)
        for key, found in files.items():
            expected[key] = kind.ranges.add(expected.get(key, []), [file.period for file in found])
        return kind.rest(scope, connection.client, expected)
    # Which ids a file has is known only after reading it: REST is planned from the end of the last file.
    ends = [
        file.period[1] * 1000 for one in kind.archive(scope, coverage, frozenset()) for file in files.get(one.key, [])
    ]
    if ends:
        start = max(ends) if scope.request.start is None else max(*ends, scope.request.start)
        scope = replace(scope, request=replace(scope.request, start=start), periods={})
    return kind.rest(scope, connection.client, coverage)
