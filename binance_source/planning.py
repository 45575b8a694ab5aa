"""What a run would take, without fetching it: files of the archive, and requests to REST."""

from dataclasses import dataclass, replace

from exchange_engine.coverage import Coverage
from exchange_engine.request import ARCHIVE, REST
from exchange_engine.walk import Series

from .archive.host import ArchiveFile
from .archive.series import ArchiveSeries
from .market import MarketRun
from .series import DATASETS_OF_SERIES, Dataset, Scope


@dataclass(frozen=True)
class SeriesPlan:
    """What a series would take: files to download, and pages to ask REST for."""

    files: list[ArchiveFile]
    pages: int


def plan_dataset(run: MarketRun, dataset: str, coverage: Coverage, wanted: Coverage) -> dict[str, SeriesPlan]:
    """Work out what a dataset would take, asking only for what there is, and where each series begins and ends.

    Args:
        run: The run, open.
        dataset: Of DATASETS_OF_SERIES.
        coverage: What is loaded.
        wanted: What was asked for.

    Returns:
        By series.
    """
    kind, scope = DATASETS_OF_SERIES[dataset], run.scope(wanted)
    files: dict[str, list[ArchiveFile]] = {}
    if run.source != REST:
        archived = kind.from_archive(scope, coverage, run.followed_by_rest, run.source)
        chosen = run.pool.map(lambda one: _choose(run, one, coverage), archived)
        files = {one.key: found for one, found in zip(archived, chosen, strict=True)}
    pages: dict[str, int] = {}
    if run.source != ARCHIVE:
        rest = [
            one
            for name in run.listed_names
            for one in _rest_after(run, kind, replace(scope, names=[name]), coverage, files)
        ]
        for one, steps in zip(rest, run.pool.map(lambda one: one.open(), rest), strict=True):
            pages[one.key] = len(steps)
    return {key: SeriesPlan(files.get(key, []), pages.get(key, 0)) for key in dict.fromkeys([*files, *pages])}


def _choose(run: MarketRun, series: ArchiveSeries, coverage: Coverage) -> list[ArchiveFile]:
    missing = series.missing(coverage.get(series.key, []))
    known = run.known_files()
    return series.choose(series.look_up(run.host, missing, known), missing, known, frozenset())


def _rest_after(
    run: MarketRun, kind: Dataset, scope: Scope, coverage: Coverage, files: dict[str, list[ArchiveFile]]
) -> list[Series]:
    """Make the REST series of a symbol as they will be once its files are loaded."""
    if kind.is_by_time:
        expected = dict(coverage)
        for key, found in files.items():
            expected[key] = kind.add(expected.get(key, []), [file.period for file in found])
        return kind.rest(scope, run.client, expected)
    # Which ids a file has is known only when it is read: what follows the last one is REST's.
    ends = [
        file.period[1] * 1000 for one in kind.archive(scope, coverage, frozenset()) for file in files.get(one.key, [])
    ]
    if ends:
        start = max(ends) if run.request.start is None else max(*ends, run.request.start)
        scope = replace(scope, request=replace(run.request, start=start), periods={})
    return kind.rest(scope, run.client, coverage)
