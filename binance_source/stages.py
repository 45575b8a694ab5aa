"""The stages of a dataset's fetching: out of the archive first, then by REST what it did not give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from .archive.host import ArchiveFile
from .archive.verified import Downloads
from .request import ARCHIVE, REST
from .resources.archived import ArchiveWalk
from .resources.archived_series import ArchiveSeries
from .resources.file_task import Archive
from .resources.revisions import RevisionWalk
from .resources.samples import rest_sample
from .resources.walk import Walk
from .series import DATASETS_OF_SERIES, Coverage

if TYPE_CHECKING:
    from .run import SpotRun

LOOKAHEAD_PAGES = 16
"""Pages of REST fetched ahead for each connection."""

Stage = Walk | ArchiveWalk | RevisionWalk


def stages(run: SpotRun, dataset: str, coverage: Callable[[], Coverage]) -> Iterator[Stage]:
    """Make the stages of a dataset, each when the one before is done: what is covered then is not fetched again.

    Args:
        run: The run, open.
        dataset: Of DATASETS_OF_SERIES.
        coverage: Gives what is covered by now.
    """
    kind = DATASETS_OF_SERIES[dataset]
    config = run.configuration
    downloads = Downloads(run.host, run.keep_archives, run.stop, config.backoff_seconds)
    if run.revisions is not None:
        yield RevisionWalk(dataset, run.revisions, run.host, downloads, run.now_us, run.stop)
        return
    if run.source != REST:
        archived = kind.archive(run.scope, coverage(), run.followed_by_rest)
        for one in archived:
            run.report(dataset, one.key)

        def sample(series: ArchiveSeries, file: ArchiveFile) -> pa.Table | None:
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
        rest = kind.rest(run.listed_scope, run.client, coverage())
        for series in rest:
            series.tally = run.report(dataset, series.key).tally
        yield Walk(rest, run.pool, config.connections * LOOKAHEAD_PAGES, run.stop)
