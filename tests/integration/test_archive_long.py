"""A long history: two years of minutes of five symbols, most of it out of monthly files, exactly."""

from datetime import datetime

import pytest
from served_archive import rest_requests, zips_asked_for

from exchange_simulator import running_simulator

MARKET = """
seed = 23
[[family]]
name = "SYM{:d}USDT"
count = 5
price = "5"
tick_size = "0.001"
step_size = "0.01"
usual_quantity = "20"
trades_per_minute = 0.1
listed = 2023-02-01
"""
SYMBOLS = [f"SYM{number}USDT" for number in range(5)]
START = datetime(2023, 2, 1)  # noqa: DTZ001 - UTC
# A Thursday: two years, a week, and twelve hours.
NOW = datetime(2025, 2, 6, 12, 0, 30)  # noqa: DTZ001 - UTC
MINUTES = (NOW - START).days * 1_440 + 12 * 60
MONTHS, DAYS = 24, 5


@pytest.fixture(scope="module")
def long_exchange(tmp_path_factory):
    """A market of its own, with few trades."""
    market = tmp_path_factory.mktemp("market") / "market.toml"
    market.write_text(MARKET)
    with running_simulator(market=market, clock=NOW, clock_mode="frozen", no_limits=True, cache_mb=64) as made:
        yield made


@pytest.mark.soak
def test_two_years_of_minutes_of_five_symbols_are_exact(project, long_exchange):
    options = ("--datasets", "klines", "--symbols", ",".join(SYMBOLS))
    project.use_archive(long_exchange).load(*options, "--start", "2022-12-24")
    assert project.count("klines") == len(SYMBOLS) * MINUTES
    for symbol in SYMBOLS:
        truth = long_exchange.truth("klines", symbol, "1m")
        assert truth.num_rows == MINUTES
        # Matched by their times, which is faster than to compare sets of millions of rows.
        columns = [name for name in truth.column_names if name != "open_time"]
        same = " and ".join(f'loaded."{name}" = truth."{name}"' for name in columns)
        assert project.query(
            "select count(*), count(distinct open_time) from staging.klines as loaded join truth using (open_time) "
            f"where loaded.symbol = '{symbol}' and {same}",
            truth=truth,
        ) == [(MINUTES, MINUTES)]
    assert len(zips_asked_for(long_exchange)) == len(SYMBOLS) * (MONTHS + DAYS)
    # The tail is a page of each symbol; the start before the listing, and the compared files, take a few more.
    assert rest_requests(long_exchange)["/api/v3/klines"] <= len(SYMBOLS) * 8
    long_exchange.reset_stats()
    project.load(*options)
    assert zips_asked_for(long_exchange) == {}
    assert project.count("klines") == len(SYMBOLS) * MINUTES
