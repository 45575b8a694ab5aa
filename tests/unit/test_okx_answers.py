"""What OKX answers, read: recorded candles and instruments, and pages that are walked backwards."""

import csv
import gzip
import json
from datetime import datetime, timezone
from decimal import Decimal

import pyarrow as pa
import pytest

from binance_source.coverage import add
from binance_source.rest.errors import BadResponseError, GaveUpError, InexactNumberError
from binance_source.rest.transport import Tally
from okx_source.candles import OkxCandles, candles_table, read_candles
from okx_source.funding_rates import funding_table, read_funding_rates
from okx_source.instruments import decode_instruments, instruments_table
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
    found = instruments_table(decode_instruments(answer), 0).to_pylist()
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


def test_a_swap_has_no_base_asset_but_a_contract():
    [row] = instruments_table(decode_instruments(body([instrument()])), 0).to_pylist()
    assert (row["base_asset"], row["quote_asset"], row["expiry_time"]) == (None, None, None)
    assert (row["settle_asset"], row["underlying"], row["contract_value_asset"]) == ("USDT", "BTC-USDT", "BTC")
    assert (row["contract_value"], row["contract_multiplier"]) == (Decimal("0.01"), 1)
    assert row["list_time"] == datetime(2019, 11, 12, 11, 16, 48, tzinfo=timezone.utc)


@pytest.mark.parametrize("fields", [{"listTime": "soon"}, {"expTime": "1" * 14}, {"listTime": "-1"}])
def test_an_instrument_with_a_time_that_is_none_is_refused(fields):
    with pytest.raises(BadResponseError, match="instruments were answered with the time"):
        decode_instruments(body([instrument(**fields)]))


def test_an_instrument_that_is_there_twice_or_lacks_its_tick_is_refused():
    with pytest.raises(BadResponseError, match="one of them twice"):
        decode_instruments(body([instrument(), instrument()]))
    with pytest.raises(InexactNumberError, match="row BTC-USDT-SWAP: tick_size ''"):
        instruments_table(decode_instruments(body([instrument(tickSz="")])), 0)


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


@pytest.mark.parametrize("page", [[50], [5], [20, 30], [40, 40]], ids=["end", "before", "ascending", "twice"])
def test_rows_of_other_times_are_refused(page):
    with pytest.raises(BadResponseError, match=r"path \{\} answered with"):
        paged(Pages([30, 40], 300, {1: page}), (10, 50))


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


def walked(interval, wanted, opens, open_ones, now):
    series = OkxCandles(Candles(opens, open_ones), f"okx|A-B-SWAP|{interval}", "SWAP", wanted, [], now)
    pages = [series.fetch(window) for window in series.open()]
    times = [time for page in pages for time in page.rows["open_time"].cast(pa.int64()).to_pylist()]
    return [time // 1000 for time in times], add([], (page.covered[0] for page in pages))


def test_a_candle_that_is_not_confirmed_is_left_for_the_next_run():
    minutes = list(range(START, START + 10 * MINUTE, MINUTE))
    found = walked("1m", (START, START + 10 * MINUTE), minutes, minutes[-1:], START + 10 * MINUTE + 500)
    assert found == (minutes[:-1], [(START, minutes[-1])])


def test_a_month_that_is_not_over_is_left_for_the_next_run():
    december, january = (START - 31 * DAY, START)
    found = walked("1M", (december, START + 30 * DAY), [december, january], [january], START + 30 * DAY)
    # What opened 31 days before the last hour is over, however long it is.
    assert found == ([december], [(december, START - DAY - 3_600_000 + 1)])


def test_a_candle_that_is_over_for_long_and_not_confirmed_ends_its_series():
    minutes = list(range(START, START + 10 * MINUTE, MINUTE))
    with pytest.raises(GaveUpError, match="is over, and not confirmed"):
        walked("1m", (START, START + 10 * MINUTE), minutes, minutes[4:5], START + DAY)
