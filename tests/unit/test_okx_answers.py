"""What OKX answers, read: recorded candles and instruments, and pages that are walked backwards."""

import csv
import gzip
import json
from datetime import datetime, timezone
from decimal import Decimal

import msgspec
import pyarrow as pa
import pytest

from exchange_engine.coverage import add
from exchange_engine.http.errors import BadResponseError
from exchange_engine.http.transport import Tally
from okx_source.candles import OkxCandles, candles_table, read_candles
from okx_source.funding_rates import OkxFundingRates, funding_table, read_funding_rates
from okx_source.instruments import decode_instruments, instruments_snapshot
from okx_source.pages import page_back
from okx_source.settings import INTERVALS

QUARTER = INTERVALS["15m"]
MINUTE, DAY = 60_000, 86_400_000
START = 1_735_689_600_000  # 2025-01-01
SWAP_ROW = ["1735689600000", "93500.1", "93600", "93400.5", "93550", "1234.5", "12.345", "1154444.4", "1"]


def body(rows):
    return json.dumps({"code": "0", "msg": "", "data": rows}).encode()


def test_recorded_candles_are_the_values_that_stand_in_them(recordings):
    path = recordings / "other_exchanges" / "okx_15m_2022-02" / "BTC-USDT.csv"
    with path.open() as file:
        recorded = list(csv.DictReader(file))
    rows = []
    for one in recorded:
        opened = int(datetime.fromisoformat(one["datetime"]).replace(tzinfo=timezone.utc).timestamp() * 1000)
        volumes = [one["volume"], one["volumeCcy"], one["volumeCcy"]]
        rows.append([str(opened), *(one[name] for name in ("open", "high", "low", "close")), *volumes, "1"])
    candles = read_candles(body(rows), QUARTER)
    found = candles_table(candles, "okx|BTC-USDT|15m", is_spot=True).to_pylist()
    assert len(found) == 300
    for row, one in zip(found, recorded, strict=True):
        assert f"{row['open_time']:%Y-%m-%d %H:%M:%S}" == one["datetime"]
        for name, column in {"volume": "volume", "quote_volume": "volumeCcy"}.items():
            assert row[name] == Decimal(one[column])
        for name in ("open", "high", "low", "close"):
            assert row[name] == Decimal(one[name])
        assert row["contracts"] is None


def test_a_swap_counts_contracts_in_front_of_the_base_asset():
    [row] = candles_table(read_candles(body([SWAP_ROW]), QUARTER), "okx|BTC-USDT-SWAP|15m", is_spot=False).to_pylist()
    assert row["contracts"] == Decimal("1234.5")
    assert row["volume"] == Decimal("12.345")
    assert row["quote_volume"] == Decimal("1154444.4")
    assert row["open_time"] == datetime(2025, 1, 1, tzinfo=timezone.utc)
    assert (row["open"], row["high"], row["low"], row["close"]) == tuple(map(Decimal, SWAP_ROW[1:5]))


def test_recorded_instruments_are_the_values_that_stand_in_them(recordings):
    path = next((recordings / "other_exchanges" / "okx_meta").glob("*.json.gz"))
    answer = gzip.decompress(path.read_bytes())
    recorded = json.loads(answer)["data"]
    read_well = instruments_snapshot(decode_instruments(answer), 0)
    assert (read_well.rejected, read_well.unnamed) == ([], 0)
    found = read_well.rows.to_pylist()
    assert len(found) == len(recorded) > 300
    for row, one in zip(found, recorded, strict=True):
        assert (row["instrument_type"], row["symbol"], row["state"]) == (one["instType"], one["instId"], one["state"])
        assert (row["base_asset"], row["quote_asset"]) == (one["baseCcy"], one["quoteCcy"])
        assert [row["tick_size"], row["lot_size"], row["min_size"]] == [
            Decimal(one[name]) for name in ("tickSz", "lotSz", "minSz")
        ]
        listed = datetime.fromtimestamp(int(one["listTime"]) / 1000, timezone.utc) if one["listTime"] else None
        assert row["list_time"] == listed
        empty = ("settle_asset", "underlying", "contract_value_asset", "contract_value", "contract_multiplier")
        assert [row[name] for name in (*empty, "expiry_time")] == [None] * 6


def instrument(**fields):
    swap = {
        "instType": "SWAP", "instId": "BTC-USDT-SWAP", "state": "live", "tickSz": "0.1", "lotSz": "0.01",
        "minSz": "0.01", "baseCcy": "", "quoteCcy": "", "settleCcy": "USDT", "uly": "BTC-USDT", "ctVal": "0.01",
        "ctMult": "1", "ctValCcy": "BTC", "listTime": "1573557408000", "expTime": "",
    }  # fmt: skip
    return {**swap, **fields}


def snapshot_of(*rows):
    return instruments_snapshot(decode_instruments(body(rows)), 0)


def test_a_swap_has_no_base_asset_but_a_contract():
    [row] = snapshot_of(instrument()).rows.to_pylist()
    assert (row["base_asset"], row["quote_asset"], row["expiry_time"]) == (None, None, None)
    assert (row["settle_asset"], row["underlying"], row["contract_value_asset"]) == ("USDT", "BTC-USDT", "BTC")
    assert (row["contract_value"], row["contract_multiplier"]) == (Decimal("0.01"), 1)
    assert row["list_time"] == datetime(2019, 11, 12, 11, 16, 48, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"listTime": "soon"}, "listTime"), ({"expTime": "1" * 14}, "expTime"), ({"listTime": "-1"}, "listTime"),
        ({"state": None}, "state"), ({"minSz": 0.01}, "minSz"), ({"tickSz": "1e-19"}, "tick_size '1e-19'"),
        ({"ctVal": "a lot"}, "contract_value 'a lot'"),
    ],
)  # fmt: skip
def test_an_odd_instrument_costs_itself(fields, reason):
    odd, good = instrument(**fields), instrument(instId="ETH-USDT-SWAP")
    found = snapshot_of(odd, good)
    assert found.rows["symbol"].to_pylist() == ["ETH-USDT-SWAP"]
    [rejected] = found.rejected
    assert (rejected.key, json.loads(rejected.row)) == ("BTC-USDT-SWAP", odd)
    assert reason in rejected.reason


def test_what_is_empty_of_an_instrument_is_null():
    [row] = snapshot_of(instrument(tickSz="", lotSz="", minSz="", ctVal="", listTime="", settleCcy="")).rows.to_pylist()
    empty = ("tick_size", "lot_size", "min_size", "contract_value", "list_time", "settle_asset", "expiry_time")
    assert [row[name] for name in empty] == [None] * 7
    assert (row["symbol"], row["contract_multiplier"]) == ("BTC-USDT-SWAP", 1)


def test_copies_of_an_instrument_are_one_row_and_those_that_differ_are_none():
    assert snapshot_of(instrument(), instrument()).rows["symbol"].to_pylist() == ["BTC-USDT-SWAP"]
    suspended = instrument(state="suspend")
    found = snapshot_of(instrument(), suspended, instrument(instId=""))
    assert found.rows.num_rows == 0
    assert [json.loads(one.row) for one in found.rejected] == [instrument(), suspended]
    assert found.unnamed == 1


def test_funding_rates_are_what_was_paid():
    rate = {
        "instId": "BTC-USDT-SWAP", "fundingTime": "1735689600000", "fundingRate": "0.0001", "realizedRate": "-0.00012",
        "method": "current_period", "formulaType": "noRate", "instType": "SWAP",
    }  # fmt: skip
    older = {**rate, "fundingTime": "1735660800000", "fundingRate": "", "method": ""}
    rates = read_funding_rates(body([rate, older]), "BTC-USDT-SWAP")
    first, second = funding_table(rates, "okx|BTC-USDT-SWAP").to_pylist()
    assert (first["funding_rate"], first["predicted_rate"]) == (Decimal("-0.00012"), Decimal("0.0001"))
    assert (first["method"], first["symbol"]) == ("current_period", "BTC-USDT-SWAP")
    assert first["funding_time"] == datetime(2025, 1, 1, tzinfo=timezone.utc)
    assert (second["predicted_rate"], second["method"]) == (None, None)
    with pytest.raises(BadResponseError, match="another symbol"):
        read_funding_rates(body([rate]), "ETH-USDT-SWAP")


class Pages:
    """Answers with at most `rows` of some times, as OKX does: newest first, both ends exclusive."""

    def __init__(self, times, rows, spoilt=()):
        self.times, self.rows, self.spoilt, self.asked = times, rows, dict(spoilt), 0

    def get(self, _path, params, decode, _tally):
        self.asked += 1
        found = [time for time in sorted(self.times, reverse=True) if params["before"] < time < params["after"]]
        return decode(self.spoilt.get(self.asked, found[: self.rows]))


def paged(pages, period):
    return page_back(pages, "path", {}, period, lambda found: found, lambda time: time, 10, Tally())


@pytest.mark.parametrize(("rows", "questions"), [(1, 5), (2, 3), (5, 1), (300, 1)])
def test_a_period_is_walked_by_the_rows_that_come(rows, questions):
    pages = Pages([0, 10, 20, 30, 40, 50, 60], rows)
    assert paged(pages, (10, 51)) == [10, 20, 30, 40, 50]
    assert pages.asked == questions


def test_the_end_is_believed_when_nothing_comes_twice():
    pages = Pages([30, 40], 300, {1: [], 3: []})
    assert paged(pages, (0, 50)) == [30, 40]
    assert pages.asked == 4


@pytest.mark.parametrize("page", [[50], [5], [20, 30], [40, 30, 40]], ids=["end", "before", "ascending", "again"])
def test_rows_of_other_times_are_refused(page):
    with pytest.raises(BadResponseError, match=r"path \{\} answered with"):
        paged(Pages([30, 40], 300, {1: page}), (10, 50))


def test_copies_are_one_row():
    assert paged(Pages([30, 40], 300, {1: [40, 40, 30, 30, 30]}), (25, 50)) == [30, 40]


def test_rows_that_share_a_time_and_differ_are_refused_where_times_are_unique():
    def walk(may_meet):
        pages = Pages([], 300, {1: [(40, "a"), (40, "b"), (30, "c")]})
        return page_back(
            pages, "path", {}, (25, 50), lambda found: found, lambda row: row[0], 10, Tally(), may_meet=may_meet
        )

    assert walk(may_meet=True) == [(30, "c"), (40, "b"), (40, "a")]
    with pytest.raises(BadResponseError, match="answered with 40 after 40"):
        walk(may_meet=False)


def test_the_bars_are_those_of_utc():
    assert {name: interval.parameter for name, interval in INTERVALS.items()} == {
        "1m": "1m", "3m": "3m", "5m": "5m", "15m": "15m", "30m": "30m", "1h": "1H", "2h": "2H", "4h": "4H",
        "6h": "6Hutc", "12h": "12Hutc", "1d": "1Dutc", "2d": "2Dutc", "3d": "3Dutc", "1w": "1Wutc", "1M": "1Mutc",
    }  # fmt: skip


class Candles:
    """Answers with these candles, newest first; those of `open_ones` are not confirmed."""

    def __init__(self, opens, open_ones):
        self.rows = [[str(time), *SWAP_ROW[1:8], "0" if time in open_ones else "1"] for time in sorted(opens)[::-1]]

    def get(self, _path, params, decode, _tally):
        return decode(body([row for row in self.rows if params["before"] < int(row[0]) < params["after"]]))


def fetched(interval, wanted, opens, open_ones, now):
    series = OkxCandles(Candles(opens, open_ones), f"okx|A-B-SWAP|{interval}", "SWAP", wanted, [], now)
    return [series.fetch(window) for window in series.open()]


def opens_of(pages):
    return [time // 1000 for page in pages for time in page.rows["open_time"].cast(pa.int64()).to_pylist()]


def walked(*question):
    pages = fetched(*question)
    return opens_of(pages), add([], (page.covered[0] for page in pages))


def test_a_candle_that_is_not_confirmed_is_left_for_the_next_run():
    minutes = list(range(START, START + 10 * MINUTE, MINUTE))
    found = walked("1m", (START, START + 10 * MINUTE), minutes, minutes[-1:], START + 10 * MINUTE + 500)
    assert found == (minutes[:-1], [(START, minutes[-1])])


def test_a_month_that_is_not_over_is_left_for_the_next_run():
    december, january = (START - 31 * DAY, START)
    found = walked("1M", (december, START + 30 * DAY), [december, january], [january], START + 30 * DAY)
    # What opened 31 days before the last hour is over, however long it is.
    assert found == ([december], [(december, START - DAY - 3_600_000 + 1)])


MINUTES = list(range(START, START + 10 * MINUTE, MINUTE))


def test_a_candle_that_is_over_for_long_and_not_confirmed_costs_itself():
    [page] = fetched("1m", (START, START + 10 * MINUTE), MINUTES, MINUTES[4:5], START + DAY)
    assert opens_of([page]) == [*MINUTES[:4], *MINUTES[5:]]
    assert page.covered == ((START, START + 10 * MINUTE),)
    [rejected] = page.rejected
    assert (rejected.key, rejected.reason) == ("A-B-SWAP", "1m candle: over, and not confirmed")
    opened, *numbers, confirm = json.loads(rejected.row)
    assert (int(opened), numbers, confirm) == (MINUTES[4], SWAP_ROW[1:8], "0")


@pytest.mark.parametrize(("late", "is_stuck"), [(0, True), (-1, False)])
def test_an_hour_after_its_end_a_candle_that_is_not_confirmed_is_given_up(late, is_stuck):
    """The candle of 00:04 ends at 00:05: at 01:05 it is left out, and a millisecond before all waits for it."""
    now = START + 5 * MINUTE + 60 * MINUTE + late
    [page] = fetched("1m", (START, START + 10 * MINUTE), MINUTES, MINUTES[4:5], now)
    if is_stuck:
        assert (opens_of([page]), len(page.rejected)) == ([*MINUTES[:4], *MINUTES[5:]], 1)
        assert page.covered == ((START, START + 10 * MINUTE),)
    else:
        assert (opens_of([page]), page.rejected) == (MINUTES[:4], [])
        assert page.covered == ((START, MINUTES[4]),)


def rate_row(time, paid, foretold="0.0001"):
    return {
        "instId": "A-B-SWAP", "fundingTime": str(time), "realizedRate": paid, "fundingRate": foretold, "method": "",
    }  # fmt: skip


class Rates:
    """Answers with these rates, newest first."""

    def __init__(self, rows):
        self.rows = sorted(rows, key=lambda row: int(row["fundingTime"]), reverse=True)

    def get(self, _path, params, decode, _tally):
        return decode(body([row for row in self.rows if params["before"] < int(row["fundingTime"]) < params["after"]]))


def paid_page(rows, end, now):
    series = OkxFundingRates(Rates(rows), "okx|A-B-SWAP", (START, end), [], now)
    [window] = series.open()
    return series.fetch(window)


def rates_of(page):
    return [(row["funding_time"].timestamp() * 1000, row["funding_rate"]) for row in page.rows.to_pylist()]


HOUR = 3_600_000


def test_a_rate_that_stays_empty_costs_itself():
    rows = [rate_row(START, "0.1"), rate_row(START + 8 * HOUR, ""), rate_row(START + 16 * HOUR, "0.3")]
    page = paid_page(rows, START + DAY, START + 2 * DAY)
    assert rates_of(page) == [(START, Decimal("0.1")), (START + 16 * HOUR, Decimal("0.3"))]
    assert page.covered == ((START, START + DAY),)
    [rejected] = page.rejected
    assert (rejected.key, rejected.reason) == ("A-B-SWAP", "realizedRate is empty")
    assert json.loads(rejected.row) == rows[1]


@pytest.mark.parametrize("now", [START + 9 * HOUR - 1, START + 8 * HOUR])
def test_a_new_rate_that_is_empty_is_awaited_with_all_that_follows(now):
    rows = [rate_row(START, "0.1"), rate_row(START + 8 * HOUR - 9 * MINUTE, "0.2"), rate_row(START + 8 * HOUR, "")]
    page = paid_page([*rows, rate_row(START + 8 * HOUR + 5 * MINUTE, "0.4")], START + 10 * HOUR, now)
    assert rates_of(page) == [(START, Decimal("0.1")), (START + 8 * HOUR - 9 * MINUTE, Decimal("0.2"))]
    assert page.rejected == []
    assert page.covered == ((START, START + 8 * HOUR - 9 * MINUTE + 1),)
    assert page.answered == (START, START + 8 * HOUR)


def test_an_hour_after_its_time_an_empty_rate_is_given_up():
    page = paid_page([rate_row(START, "0.1"), rate_row(START + 8 * HOUR, "")], START + DAY, START + 9 * HOUR)
    assert (rates_of(page), len(page.rejected)) == ([(START, Decimal("0.1"))], 1)
    # The empty one is the newest that was answered, and ends what is certain.
    assert page.covered == ((START, START + 8 * HOUR + 1),)


@pytest.mark.parametrize("apart", [0, 1, MINUTE])
@pytest.mark.parametrize(("second", "kept"), [("0.1000", True), ("0.2", False)])
def test_rates_within_a_minute_are_one_settlement_or_none(apart, second, kept):
    # Newest first, and where they share a time in the order in which they were given.
    rows = [rate_row(START + apart, second), rate_row(START, "0.1"), rate_row(START + 8 * HOUR, "0.3")]
    page = paid_page(rows, START + DAY, START + 2 * DAY)
    assert rates_of(page) == [(START, Decimal("0.1"))] * kept + [(START + 8 * HOUR, Decimal("0.3"))]
    contradicting = [] if kept else ["0.1", second]
    assert [json.loads(one.row)["realizedRate"] for one in page.rejected] == contradicting
    assert page.covered == ((START, START + DAY),)


def test_rates_more_than_a_minute_apart_are_two_settlements():
    page = paid_page([rate_row(START, "0.1"), rate_row(START + MINUTE + 1, "0.2")], START + DAY, START + 2 * DAY)
    assert rates_of(page) == [(START, Decimal("0.1")), (START + MINUTE + 1, Decimal("0.2"))]
    assert page.rejected == []


def test_new_columns_of_candles_are_ignored_and_fewer_are_an_error():
    [candle] = read_candles(body([[*SWAP_ROW, "new", 5, None]]), QUARTER)
    assert candle == (START, *SWAP_ROW[1:])
    with pytest.raises(msgspec.ValidationError):
        read_candles(body([[*SWAP_ROW, "new"], SWAP_ROW[:8]]), QUARTER)
