"""Random markets, loaded in steps: what incremental builds say of each slot is what the definitions say of it."""

import random
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from gap_oracle import LENGTHS, Market, slot_of, slots
from gap_rows import MONDAY, agg_trade, candle, check, listing, period, symbol_row, trade
from test_models_revisions import archive_file

MILLISECOND = timedelta(milliseconds=1)
START = MONDAY - timedelta(minutes=45)
SLOTS = 80
LOADS = [f"17637000{number:02}.5" for number in range(1, 3)]
INTERVALS = (*LENGTHS, "1M")
GAPS = ("--select", "+completeness", "+trade_gaps")


def draw_ranges(choose, grid, most):
    """Up to so many ranges of a series' slots, as (first open time, open time after the last)."""
    for _ in range(choose.randint(0, most)):
        first, last = sorted(choose.sample(range(len(grid)), 2))
        yield grid[first], grid[last]


def draw_candles(choose, symbol, interval, grid, source):
    """Most slots within a range, but for some holes; now and then off the grid, or with a price of nothing."""
    first, last = sorted(choose.sample(range(len(grid)), 2))
    holes = {slot for start, end in draw_ranges(choose, grid, 3) for slot in grid if start <= slot < end}
    for slot in grid[first:last]:
        if slot in holes or choose.random() < 0.05:
            continue
        offset = choose.randrange(LENGTHS.get(interval, timedelta(days=28)) // MILLISECOND)
        open_time = slot + (choose.random() < 0.05) * offset * MILLISECOND
        price = Decimal(0) if choose.random() < 0.03 else Decimal(10)
        yield candle(open_time, symbol, interval, low=price, source=source)


def draw_market(choose, market):
    """The tables of two loads, in the second of which files of the first one were published again."""
    steps = [{} for _ in LOADS]

    def add(number, table, rows):
        steps[number].setdefault(table, []).extend({"market": market, **row} for row in rows)

    symbols = "ABCD"[: choose.randint(1, 4)]
    rest_knows_all = choose.random() < 0.7
    for interval in choose.sample(INTERVALS, choose.randint(1, 2)):
        grid = list(slots(START, START + SLOTS * LENGTHS.get(interval, timedelta(days=31)), interval))
        shared = list(draw_ranges(choose, grid, 2))
        for symbol in symbols:
            path = f"data/{market}/monthly/klines/{symbol}/{interval}/{symbol}-{interval}-2024-03.zip"
            add(0, "archive_files", [archive_file(path, market=market)])
            # Rows of a monthly file open in its month.
            in_file = [slot for slot in grid if slot.month == 3 and slot.year == 2024]
            if len(in_file) > 3:
                drawn = draw_candles(choose, symbol, interval, in_file, path)
                rows = [row for row in drawn if row["open_time"].month == 3]
                add(0, "klines", rows)
                if choose.random() < 0.5:
                    kept = [row for row in rows if choose.random() < 0.8]
                    revision = archive_file(path, 2, LOADS[0], market=market, rows_changed=1)
                    add(1, "archive_files", [revision])
                    add(1, "klines", kept)
            for number in range(len(LOADS)):
                rows = draw_candles(choose, symbol, interval, grid, "rest" if rest_knows_all else path + "x")
                out = [slot for start, end in shared for slot in grid if start <= slot < end]
                add(number, "klines", [row for row in rows if slot_of(row["open_time"], interval) not in out])
            for state in ("asked", "covered"):
                for start, end in draw_ranges(choose, grid, 2):
                    shift = choose.choice([timedelta(0), timedelta(seconds=20)])
                    add(0, "series_periods", [period(state, start - shift, end + shift, symbol, interval)])
            for source in ("rest", "archive"):
                for outcome in ("nothing",) * 6 + ("found", "unpublished"):
                    for start, end in draw_ranges(choose, grid, 1):
                        hour = choose.choice([1, 1.5, 2, 3])
                        add(0, "gap_checks", [check(source, outcome, hour, start, end, symbol, interval)])
    for symbol in symbols:
        if choose.random() < 0.3:
            first = choose.choice([None, *range(-40, 40_000, 1_000)])
            add(0, "listings", [listing(first, symbol, checked=choose.randint(0, 40_000))])
        if choose.random() < 0.4:
            status, updated = choose.choice(["TRADING", "BREAK", "HALT"]), choose.choice([500, 10_000_000])
            add(0, "symbols", [symbol_row(symbol, status, updated)])
        for number in range(len(LOADS)):
            ids = [one for one in range(choose.randint(1, 60)) if choose.random() < 0.7]
            add(number, "trades", [trade(one, one - 30, symbol) for one in ids])
            add(number, "agg_trades", [agg_trade(one, 2 * one, 2 * one, one - 30, symbol) for one in ids])
    return steps


def revise(warehouse, files):
    """Make room for the rows of files that were published again, as dlt's merge does."""
    for row in files:
        warehouse.query("delete from staging.archive_files where path = ?", row["path"])


def one_of_each_key(klines):
    """A load has a key once: of two candles that were drawn for one, the first."""
    return list({(r["market"], r["symbol"], r["interval"], r["open_time"]): r for r in reversed(klines)}.values())


def load_and_build(warehouse, choose, count):
    drawn = [draw_market(choose, f"m{number}") for number in range(count)]
    for number, load_id in enumerate(LOADS):
        tables = {}
        for steps in drawn:
            for table, rows in steps[number].items():
                tables.setdefault(table, []).extend(rows)
        tables["klines"] = one_of_each_key(tables["klines"])
        if number:
            revise(warehouse, tables.get("archive_files", []))
        warehouse.load(load_id, **tables)
        warehouse.build(*GAPS, models_only=load_id != LOADS[-1])
    return drawn


def contents(warehouse):
    models = ("silver.kline_runs", "silver.trade_runs", "silver.kline_gaps", "silver.trade_gaps", "gold.completeness")
    return {model: warehouse.query(f"select * from {model} order by all") for model in models}


def assert_as_defined(warehouse, drawn):
    """Compare each slot's status, and each day's figures, with those of the definitions."""
    for number, steps in enumerate(drawn):
        market = f"m{number}"
        keys = 'select symbol, "interval", open_time'
        defined = Market(
            warehouse.query(f"{keys}, source from silver.klines where market = ?", market),
            warehouse.query(f"{keys} from silver.rejected_klines where market = ?", market),
            *(steps[0].get(table, []) for table in ("series_periods", "listings", "symbols", "gap_checks")),
        )
        found = {}
        gaps = warehouse.query(
            """select symbol, "interval", gap_start, gap_end, missing_count, status from silver.kline_gaps
            where market = ?""",
            market,
        )
        for symbol, interval, start, end, missing_count, status in gaps:
            of_gap = list(slots(start, end, interval))
            assert len(of_gap) == missing_count, (market, symbol, interval, start)
            found.update({(symbol, interval, slot): status for slot in of_gap})
        assert found == defined.statuses(), market
        days = warehouse.query(
            """select symbol, "interval", day, expected, present, explained, unexplained from gold.completeness
            where market = ?""",
            market,
        )
        assert {tuple(row[:3]): row[3:] for row in days} == defined.days(), market


def missing_ids(warehouse, dataset, column):
    """Ids between the first and the last one of each series that are not there."""
    ids = {}
    for market, symbol, number in warehouse.query(f"select market, symbol, {column} from silver.{dataset}"):
        ids.setdefault((market, symbol), set()).add(number)
    return {(*key, one) for key, have in ids.items() for one in range(min(have), max(have)) if one not in have}


def assert_ids_are_as_defined(warehouse):
    """Every id between the first and the last one that is not there is in one gap."""
    for dataset, column in (("trades", "trade_id"), ("agg_trades", "agg_trade_id")):
        gaps = warehouse.query(
            "select market, symbol, first_missing_id, last_missing_id from silver.trade_gaps where dataset = ?", dataset
        )
        found = [(market, symbol, one) for market, symbol, first, last in gaps for one in range(first, last + 1)]
        assert Counter(found) == Counter(missing_ids(warehouse, dataset, column))


def test_random_markets_are_as_defined(new_warehouse, seed):
    warehouse = new_warehouse()
    drawn = load_and_build(warehouse, random.Random(f"{seed}-gaps"), 15)
    assert_as_defined(warehouse, drawn)
    assert_ids_are_as_defined(warehouse)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(20))
def test_many_random_markets_are_as_defined_and_as_built_from_nothing(new_warehouse, tmp_path, seed, number):
    warehouse = new_warehouse()
    drawn = load_and_build(warehouse, random.Random(f"{seed}-gaps-{number}"), 60)
    assert_as_defined(warehouse, drawn)
    assert_ids_are_as_defined(warehouse)
    refreshed = warehouse.copy(tmp_path / "refreshed")
    refreshed.build(*GAPS, "--full-refresh", models_only=True)
    assert contents(refreshed) == contents(warehouse)
