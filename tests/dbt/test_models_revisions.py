"""A file that the archive publishes again: silver and gold lose what it lost, at the cost of the file's period."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

DAY = datetime(2024, 5, 7, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
KLINES = "data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-05-07.zip"
KLINES_BEFORE = KLINES.replace("05-07", "05-06")
KLINES_MONTHLY = "data/spot/monthly/klines/ETHUSDT/1m/ETHUSDT-1m-2024-05.zip"
AGGREGATES = "data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-05-07.zip"
TRADES = "data/spot/monthly/trades/BTCUSDT/BTCUSDT-trades-2024-05.zip"


def kline(minute, source=KLINES, symbol="BTCUSDT", **changes):
    """A valid kline so many minutes after the day's beginning."""
    open_time = DAY + minute * MINUTE
    price = Decimal(100 + minute % 7)
    return {
        "market": "spot",
        "symbol": symbol,
        "interval": "1m",
        "open_time": open_time,
        "open": price,
        "high": price + 1,
        "low": price - 1,
        "close": price,
        "volume": Decimal(2),
        "close_time": open_time + MINUTE - timedelta(milliseconds=1),
        "quote_volume": 2 * price,
        "trade_count": 3,
        "taker_buy_volume": Decimal(1),
        "taker_buy_quote_volume": price,
        "source": source,
        **changes,
    }


def agg_trade(number, seconds, source=AGGREGATES, **changes):
    return {
        "market": "spot",
        "symbol": "BTCUSDT",
        "agg_trade_id": number,
        "price": Decimal("100.5"),
        "quantity": Decimal("0.25"),
        "first_trade_id": number,
        "last_trade_id": number,
        "trade_time": DAY + timedelta(seconds=seconds),
        "is_buyer_maker": False,
        "source": source,
        **changes,
    }


def trade(number, seconds, source=TRADES, **changes):
    return {
        "market": "spot",
        "symbol": "BTCUSDT",
        "trade_id": number,
        "price": Decimal("100.5"),
        "quantity": Decimal("0.5"),
        "quote_quantity": Decimal("50.25"),
        "trade_time": DAY + timedelta(seconds=seconds),
        "is_buyer_maker": False,
        "source": source,
        **changes,
    }


def archive_file(path, revision=1, replaced=None, **changes):
    """A row of archive_files; dataset, symbol and interval as the path has them."""
    folders = path.split("/")
    dataset = {"klines": "klines", "aggTrades": "agg_trades", "trades": "trades"}[folders[3]]
    return {
        "path": path,
        "market": "spot",
        "dataset": dataset,
        "symbol": folders[4],
        "interval": folders[5] if dataset == "klines" else None,
        "status": "loaded",
        "sha256": "ab" * 32,
        "last_modified": DAY + timedelta(days=1, hours=3),
        "size_bytes": 1_000,
        "row_count": 100,
        "rows_loaded": 100,
        "loaded_at": DAY + timedelta(days=2),
        "revision": revision,
        "replaced_load_id": replaced,
        **changes,
    }


FIRST, LATER, REVISED = "1715200000.1", "1715200000.2", "1715200000.3"


def revise(warehouse, path, revision, replaced, load_id, removed=True, **tables):
    """Load a new version of a file, as the pipeline does: merge its row by path, then delete its old rows."""
    warehouse.query("delete from staging.archive_files where path = ?", path)
    warehouse.load(load_id, archive_files=[archive_file(path, revision, replaced, rows_changed=1)], **tables)
    if removed:
        for table in ("klines", "agg_trades", "trades"):
            sql = f"delete from staging.{table} where source = ? and _dlt_load_id <= ?"
            warehouse.query(sql, path, replaced)


@pytest.fixture(scope="module")
def loaded(new_warehouse):
    """First versions of all files, rows by REST beside them; built."""
    warehouse = new_warehouse()
    warehouse.load(
        FIRST,
        # Minutes 0 to 29 of the day, minute 3 among them invalid; the last minutes of the day before.
        klines=[
            *(kline(minute) for minute in range(30) if minute != 3),
            kline(3, low=Decimal(0)),
            *(kline(minute, KLINES_BEFORE) for minute in range(-10, 0)),
            # ... minute 40, which both REST and the file brought, and minute 41, of REST alone.
            kline(40, "rest", trade_count=1),
            kline(41, "rest"),
            # Another symbol out of a monthly file, another interval of the same day.
            *(kline(minute, KLINES_MONTHLY, "ETHUSDT") for minute in range(0, 3_000, 10)),
            kline(0, "rest", interval="1h", close_time=DAY + timedelta(hours=1, milliseconds=-1)),
        ],
        agg_trades=[
            # Ids 1 to 59 in minutes 0 to 9; just before midnight id 0 by REST, and one that is in the wrong day's file.
            *(agg_trade(number, 10 * number) for number in range(1, 60)),
            agg_trade(0, -1, "rest"),
            agg_trade(1_000, -2),
        ],
        trades=[trade(number, 10 * number) for number in range(1, 60)],
        archive_files=[archive_file(path) for path in (KLINES, KLINES_BEFORE, KLINES_MONTHLY, AGGREGATES, TRADES)],
    )
    warehouse.load(LATER, klines=[kline(40), kline(42, "rest")])
    warehouse.build()
    return warehouse


def rebuilt(warehouse, folder, models_only=True):
    """Assert that an incremental build agrees with a full refresh of a copy; return what it holds."""
    warehouse.build(models_only=models_only)
    contents = warehouse.contents()
    assert contents == warehouse.refreshed(folder)
    return contents


NEW_KLINES = [
    # Minute 5 has other values, minute 3 is valid now, minutes 10 to 19 are gone, minute 35 is new, 20 is invalid now.
    *(kline(minute) for minute in range(30) if minute not in (5, 20, *range(10, 20))),
    kline(5, close=Decimal("105.5"), volume=Decimal(7)),
    kline(20, low=Decimal(0)),
    kline(35),
]


@pytest.fixture(scope="module")
def revised(loaded, tmp_path_factory):
    folder = tmp_path_factory.mktemp("revised")
    warehouse = loaded.copy(folder / "klines")
    revise(warehouse, KLINES, 2, LATER, REVISED, klines=NEW_KLINES)
    return warehouse, loaded.contents(), rebuilt(warehouse, folder / "refreshed", models_only=False)


def minutes_of(contents, symbol="BTCUSDT", interval="1m"):
    rows = [row for row in contents["silver.klines"] if row[1] == symbol and row[2] == interval]
    return {(row[3] - DAY) // MINUTE: row for row in rows}


def test_changed_removed_and_added_rows_are_so_in_silver(revised):
    _, before, after = revised
    old, new = minutes_of(before), minutes_of(after)
    assert set(old) - set(new) == {*range(10, 20), 20}
    assert set(new) - set(old) == {3, 35}
    assert (old[5][7], old[5][8]) == (Decimal(105), Decimal(2))
    assert (new[5][7], new[5][8]) == (Decimal("105.5"), Decimal(7))
    assert [(row[3] - DAY) // MINUTE for row in before["silver.rejected_klines"]] == [3]
    assert [(row[3] - DAY) // MINUTE for row in after["silver.rejected_klines"]] == [20]


def test_what_the_replaced_version_had_covered_up_is_back(revised):
    """Minute 40 came by REST first, then out of the file, of which the new version does not have it."""
    warehouse, before, after = revised
    assert minutes_of(before)[40][11] == 3
    assert minutes_of(after)[40][11] == 1
    sql = "select source from silver.klines where symbol = 'BTCUSDT' and open_time = ?"
    assert warehouse.query(sql, DAY + 40 * MINUTE) == [("rest",)]


def test_rows_of_other_files_sources_symbols_and_intervals_stay(revised):
    _, before, after = revised
    assert minutes_of(after, "ETHUSDT") == minutes_of(before, "ETHUSDT") != {}
    assert minutes_of(after, interval="1h") == minutes_of(before, interval="1h") != {}
    others = [*range(-10, 0), 41, 42]
    assert [minutes_of(after)[minute] for minute in others] == [minutes_of(before)[minute] for minute in others]


def windows_of(contents, interval):
    return {
        (row[3] - DAY) // MINUTE: row for row in contents["gold.ohlcv"] if (row[1], row[2]) == ("BTCUSDT", interval)
    }


def test_windows_without_a_minute_are_gone_and_the_others_are_recomputed(revised):
    _, before, after = revised
    # The minutes 10 to 19 were two windows of 5m; in the windows of 15m others are left.
    assert set(windows_of(before, "5m")) - set(windows_of(after, "5m")) == {10, 15}
    assert set(windows_of(after, "5m")) - set(windows_of(before, "5m")) == {35}
    # Volume of 00:00 to 00:15: ten minutes of 2, of which minute 5 has 7; minutes present: ten.
    window = windows_of(after, "15m")[0]
    assert (window[8], window[17]) == (Decimal(25), 10)
    assert windows_of(before, "15m")[0][8] == Decimal(28)
    # The day: 17 minutes of the file (0 to 9, 21 to 29, 35) less none, and 40, 41, 42.
    day = windows_of(after, "1d")[0]
    assert (day[8], day[17]) == (2 * (10 + 9 + 1 + 3) + Decimal(5), 23)
    assert windows_of(after, "1d")[-1440] == windows_of(before, "1d")[-1440]
    [summary] = [row for row in after["gold.daily_summary"] if (row[1], row[2]) == ("BTCUSDT", DAY)]
    assert Decimal(51) in summary


def test_a_further_build_changes_nothing_and_looks_at_nothing_again(revised, tmp_path):
    warehouse, _, after = revised
    again = warehouse.copy(tmp_path / "again")
    # Rows that no load brought are left alone as long as nothing makes the build look at their period.
    again.query("delete from silver.klines where source = 'rest' and open_time = ?", DAY + 41 * MINUTE)
    again.build("--select", "staging", "silver", models_only=True)
    assert set(minutes_of(after)) - set(minutes_of(again.contents())) == {41}


def test_old_rows_that_are_not_deleted_yet_do_not_count(loaded, tmp_path, revised):
    warehouse = loaded.copy(tmp_path / "not_deleted")
    revise(warehouse, KLINES, 2, LATER, REVISED, removed=False, klines=NEW_KLINES)
    warehouse.build(models_only=True)
    assert warehouse.contents() == revised[2]
    warehouse.query("delete from staging.klines where source = ? and _dlt_load_id <= ?", KLINES, LATER)
    assert rebuilt(warehouse, tmp_path / "refreshed") == revised[2]


def test_a_revision_of_an_incomplete_load_is_not_seen(loaded, tmp_path):
    warehouse = loaded.copy(tmp_path / "incomplete")
    before = warehouse.contents()
    revise(warehouse, KLINES, 2, LATER, REVISED, removed=False, klines=NEW_KLINES)
    warehouse.query("delete from staging._dlt_loads where load_id = ?", REVISED)
    assert rebuilt(warehouse, tmp_path / "refreshed") == before


KEPT = [number for number in range(1, 60) if not 12 <= number <= 23 and number != 30]
"""Trades 12 to 23 (minutes 2 and 3) are gone with a revision, as 1,000 is; 30 has another quantity, 100 is new."""


@pytest.fixture(scope="module")
def others(loaded, tmp_path_factory):
    """Revisions of the other files, of which the last one has no row at all."""
    folder = tmp_path_factory.mktemp("others")
    warehouse = loaded.copy(folder / "others")
    rows = [kline(minute, KLINES_MONTHLY, "ETHUSDT") for minute in range(1_500, 3_000, 10)]
    revise(warehouse, KLINES_MONTHLY, 2, FIRST, REVISED, klines=rows)
    aggregates = [*(agg_trade(number, 10 * number) for number in KEPT), agg_trade(30, 300, quantity=Decimal(9))]
    revise(warehouse, AGGREGATES, 2, FIRST, "1715200000.4", agg_trades=[*aggregates, agg_trade(100, 1_000)])
    revise(warehouse, TRADES, 2, FIRST, "1715200000.5", trades=[trade(number, 10 * number) for number in KEPT])
    revise(warehouse, KLINES_BEFORE, 2, FIRST, "1715200000.6")
    return warehouse, rebuilt(warehouse, folder / "refreshed", models_only=False)


def test_a_version_without_any_row_empties_its_period_once(others):
    warehouse, after = others
    assert min(minutes_of(after)) == 0
    assert min(windows_of(after, "5m")) == 0
    assert {row[2] for row in after["gold.daily_summary"] if row[1] == "BTCUSDT"} == {DAY}
    marks = warehouse.query("select load_id from stg.load_watermarks where model_name in ('klines', 'ohlcv')")
    assert marks == [("1715200000.6",)] * 2


def test_a_symbol_whose_first_klines_are_gone_begins_later(others):
    warehouse, after = others
    assert sorted(minutes_of(after, "ETHUSDT")) == list(range(1_500, 3_000, 10))
    found = warehouse.query("select first_kline_open_time from gold.dim_symbols where symbol = 'ETHUSDT'")
    assert found == [(DAY + 1_500 * MINUTE,)]
    assert {row[3] for row in after["gold.ohlcv"] if (row[1], row[2]) == ("ETHUSDT", "1d")} == {
        DAY + timedelta(days=1),
        DAY + timedelta(days=2),
    }


def test_trades_and_aggregates_lose_what_their_files_lost(others):
    warehouse, after = others
    assert sorted(row[2] for row in after["silver.agg_trades"]) == [0, *sorted([*KEPT, 30]), 100]
    assert sorted(row[2] for row in after["silver.trades"]) == KEPT
    flow = dict(warehouse.query("select minute, buy_volume from gold.trade_flow"))
    # Id 0 at 23:59:59; six ids of 0.25 a minute, five in minute 0; minutes 2 and 3 are gone; id 30 in minute 5.
    assert {(minute - DAY) // MINUTE: volume for minute, volume in flow.items()} == {
        **dict.fromkeys((1, 4, 6, 7, 8, 9), Decimal("1.5")),
        **dict.fromkeys((-1, 16), Decimal("0.25")),
        0: Decimal("1.25"),
        5: Decimal("10.25"),
    }


def test_two_versions_between_two_builds_and_one_that_only_has_another_time(loaded, tmp_path):
    warehouse = loaded.copy(tmp_path / "twice")
    revise(warehouse, KLINES, 2, LATER, REVISED, klines=NEW_KLINES)
    revise(warehouse, KLINES, 3, REVISED, "1715200000.4", klines=[kline(minute) for minute in (0, 1, 35)])
    # The same bytes, published once more: nothing says any longer which load was replaced.
    revise(warehouse, KLINES, 3, None, "1715200000.5", removed=False)
    after = rebuilt(warehouse, tmp_path / "refreshed")
    assert sorted(minutes_of(after)) == [*range(-10, 0), 0, 1, 35, 40, 41, 42]


def test_silver_built_by_itself_and_gold_before_it_miss_nothing(loaded, tmp_path):
    warehouse = loaded.copy(tmp_path / "apart", "renamed.duckdb")
    revise(warehouse, KLINES, 2, LATER, REVISED, klines=NEW_KLINES)
    warehouse.build("--select", "staging", "gold", models_only=True)
    warehouse.build("--select", "silver", models_only=True)
    warehouse.load("1715200000.4", klines=[kline(43, "rest")])
    after = rebuilt(warehouse, tmp_path / "refreshed")
    assert {10, 15} & set(windows_of(after, "5m")) == set()


def test_a_build_without_revisions_does_not_look_at_old_periods(loaded, tmp_path):
    """First versions are no revisions: what older loads brought of their periods is not read again."""
    warehouse = loaded.copy(tmp_path / "first_versions")
    warehouse.query("delete from silver.klines where open_time = ?", DAY + 7 * MINUTE)
    path = KLINES.replace("05-07", "05-08")
    warehouse.load(REVISED, klines=[kline(1_440, path)], archive_files=[archive_file(path)])
    warehouse.build("--select", "staging", "silver", models_only=True)
    minutes = minutes_of(warehouse.contents())
    assert 1_440 in minutes
    assert 7 not in minutes


def test_a_revision_reads_its_own_period_alone(loaded, tmp_path):
    warehouse = loaded.copy(tmp_path / "own_period")
    warehouse.query("delete from silver.klines where open_time = ?", DAY - 7 * MINUTE)
    revise(warehouse, KLINES, 2, LATER, REVISED, klines=NEW_KLINES)
    warehouse.build("--select", "staging", "silver", models_only=True)
    assert -7 not in minutes_of(warehouse.contents())


def test_the_views_of_the_archives_tables_are_empty_and_typed_without_them(new_warehouse):
    warehouse = new_warehouse()
    warehouse.build("--select", "staging")
    for view in ("stg_binance__archive_files", "stg_binance__archive_disagreements"):
        assert warehouse.query(f"select count(*) from stg.{view}") == [(0,)]
    types = dict(
        warehouse.query(
            "select column_name, data_type from information_schema.columns"
            " where table_schema = 'stg' and table_name = 'stg_binance__archive_files'"
        )
    )
    assert types["path"] == types["replaced_load_id"] == "VARCHAR"
    assert types["last_modified"] == types["loaded_at"] == "TIMESTAMP WITH TIME ZONE"
    assert types["size_bytes"] == types["revision"] == "BIGINT"


def test_the_views_show_what_complete_loads_brought(loaded, tmp_path):
    warehouse = loaded.copy(tmp_path / "views")
    disagreement = {
        "path": KLINES,
        "market": "spot",
        "dataset": "klines",
        "symbol": "BTCUSDT",
        "interval": "1m",
        "row_key": 1_715_040_000_000,
        "column_name": "close",
        "archive_value": "1.00000000",
        "other_value": "2.00000000",
        "other_source": "rest",
        "found_at": DAY,
    }
    warehouse.load(REVISED, archive_disagreements=[disagreement])
    warehouse.load("1715200000.4", complete=False, archive_disagreements=[disagreement])
    warehouse.build("--select", "staging")
    assert warehouse.query("select count(*), count(distinct path) from stg.stg_binance__archive_files") == [(5, 5)]
    found = warehouse.query("select * from stg.stg_binance__archive_disagreements")
    assert found == [(*disagreement.values(), REVISED)]
