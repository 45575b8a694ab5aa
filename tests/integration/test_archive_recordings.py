"""Real files of the archive, served locally, load and equal what DuckDB itself reads from the same files."""

import hashlib
import zipfile
from pathlib import Path

import pytest
from served_archive import assert_traced, content, files, rest_requests

from exchange_simulator import running_simulator

COLUMNS = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trade_count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignored",
)  # fmt: skip
DECIMALS = {name for name in COLUMNS if name not in ("open_time", "close_time", "trade_count", "ignored")}
TIMES = {"open_time", "close_time"}
# Symbol, interval, period, folder and names of the recorded files. The halt of 2023-03-24 is in the first three.
HISTORIES = {
    "minutes": ("BTCUSDT", "1m", "2023-03-01", "2023-04-01", "klines_1m/vision_spot_daily/BTCUSDT/*.zip", 44_560),
    "half a month": ("ETHUSDT", "1m", "2023-03-15", "2023-04-01", "klines_1m/vision_spot_daily/ETHUSDT/*.zip", 24_400),
    "with a header": ("BTCUSDT", "1h", "2023-01-01", "2023-06-01", "klines_1h/vision_spot_monthly/*.csv", 3_623),
    "with Binance's CHECKSUM": (
        "BTCUSDT", "1m", "2020-01-01", "2020-01-04", "klines_1m/vision_spot_daily_with_checksum/*.zip", 4_320,
    ),
    "ms and us": ("BTCUSDT", "1h", "2024-12-01", "2025-02-01", "klines_1h/vision_spot_monthly_ms_to_us/*.csv", 1_488),
}  # fmt: skip


@pytest.fixture(scope="module")
def recorded_archive(recordings):
    """An archive that serves what was recorded."""
    with running_simulator(recordings=recordings, no_limits=True) as made:
        yield made


def unzipped(path, folder):
    if path.suffix == ".csv":
        return path
    with zipfile.ZipFile(path) as archive:
        return Path(archive.extract(archive.namelist()[0], folder))


def as_text_columns(path):
    """Read a CSV as text, with the archive's column names; a header is no row."""
    with path.open() as file:
        has_header = not file.read(1).isdigit()
    names = "{" + ", ".join(f"'{name}': 'varchar'" for name in COLUMNS) + "}"
    return f"read_csv('{path}', columns = {names}, header = {has_header}, auto_detect = false, delim = ',')"


def typed(name):
    if name in TIMES:
        # In microseconds by magnitude; a candle is kept to the millisecond.
        number = f"{name}::bigint"
        return f"make_timestamptz(if({number} > 1e14::bigint, {number} // 1000, {number}) * 1000) as {name}"
    return f"{name}::{'decimal(28, 8)' if name in DECIMALS else 'bigint'} as {name}"


@pytest.mark.parametrize("history", HISTORIES)
def test_recorded_files_load_as_duckdb_reads_them(project, recorded_archive, recordings, tmp_path, history):
    symbol, interval, start, end, pattern, count = HISTORIES[history]
    recorded_archive.reset_stats()
    project.use_archive(recorded_archive).load(
        "--datasets", "klines", "--symbols", symbol, "--intervals", interval, "--source", "archive",
        "--start", start, "--end", end,
    )  # fmt: skip
    assert rest_requests(recorded_archive) == {}
    found = sorted(recordings.glob(pattern))
    loaded = files(project)
    assert len(found) == len(loaded) > 1
    columns = [name for name in COLUMNS if name != "ignored"]
    expected = " union all ".join(
        f"select {', '.join(map(typed, columns))}, '{path.stem}' as stem "
        f"from {as_text_columns(unzipped(path, tmp_path))}"
        for path in found
    )
    rows = f"select {', '.join(columns)}, regexp_extract(source, '([^/]+)[.]zip$', 1) as stem from staging.klines"
    assert project.count("klines") == count
    assert project.query(f"select count(*), count(distinct open_time) from ({expected})") == [(count, count)]
    assert project.query(f"{rows} except from ({expected}) limit 3") == []
    assert project.query(f"from ({expected}) except {rows} limit 3") == []
    assert_traced(project, recorded_archive)


def test_the_recorded_checksums_are_those_that_were_loaded_by(recorded_archive, recordings):
    promised = sorted((recordings / "klines_1m" / "vision_spot_daily_with_checksum").glob("*.CHECKSUM"))
    assert len(promised) == 3
    for path in promised:
        zipped = f"data/spot/daily/klines/BTCUSDT/1m/{path.name.removesuffix('.CHECKSUM')}"
        assert content(recorded_archive, f"{zipped}.CHECKSUM") == path.read_bytes()
        assert hashlib.sha256(content(recorded_archive, zipped)).hexdigest() == path.read_text().split()[0]


def test_archive_and_recorded_rest_together_have_the_halt_as_it_was(project, recorded_archive):
    project.use_archive(recorded_archive).load(
        "--datasets", "klines", "--symbols", "BTCUSDT", "--intervals", "1m,1h",
        "--start", "2023-03-23", "--end", "2023-03-26",
    )  # fmt: skip
    assert project.query("select \"interval\", count(*) from staging.klines group by 1 order by 1") == [
        ("1h", 71), ("1m", 3 * 1_440 - 80),
    ]  # fmt: skip
    assert project.query(
        "select count(*) from staging.klines where \"interval\" = '1m' "
        "and open_time between '2023-03-24 12:40:00+00' and '2023-03-24 13:59:00+00'"
    ) == [(0,)]
