"""The simulated OKX: candles that follow the spot market, and funding rates, in OKX's own form."""

import csv
import gzip
import json
import re
from datetime import datetime, timezone
from decimal import Decimal
from itertools import pairwise

import pytest
from venue_reading import Venue, candle, merge

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EXACT = re.compile(r"\d+(\.\d*[1-9])?")


def utc(*parts):
    return int(datetime(*parts, tzinfo=timezone.utc).timestamp() * 1000)


NOW = utc(2025, 3, 1, 12, 34, 56) + 789


class Okx(Venue):
    def __init__(self, client):
        super().__init__(client, f"{client.simulator.okx_url}/api/v5")

    def data(self, path, **params):
        answer = self.get(path, **params)
        assert (answer["code"], answer["msg"], list(answer)) == ("0", "", ["code", "msg", "data"])
        return answer["data"]

    def candles(self, instrument, bar, start, end, path="market/history-candles"):
        """All candles that open in [start, end), oldest first, found backwards from the end."""
        rows = []
        while True:
            page = self.data(path, instId=instrument, bar=bar, after=end, before=start - 1, limit=300)
            if not page:
                return rows[::-1]
            rows += page
            end = int(page[-1][0])


@pytest.fixture(scope="module")
def okx(nasty):
    return Okx(nasty)


@pytest.fixture(scope="module")
def own(start_for_module):
    """With limits, and a clock that tests may set."""
    return Okx(start_for_module(market="tests", clock="2025-03-01", clock_mode="frozen"))


@pytest.fixture
def capped(okx):
    """OKX whose settings are as they were after the test."""
    yield okx
    okx.simulator.okx_settings(page_limit=400, refusal_status=429)
    okx.simulator.clear_faults()


def as_candle(row):
    """A candle with its three volumes; the time in milliseconds."""
    return candle(int(row[0]), *map(Decimal, row[1:8]))


def opens(rows):
    return [int(row[0]) for row in rows]


def test_instruments_have_the_recorded_form(okx, recordings):
    path = next((recordings / "other_exchanges" / "okx_meta").glob("okx_instruments_SPOT_*.json.gz"))
    recorded = json.loads(gzip.decompress(path.read_bytes()))
    answer = okx.get("public/instruments", instType="SPOT")
    assert (set(answer), answer["code"], answer["msg"]) == (set(recorded), recorded["code"], recorded["msg"])
    for row in answer["data"]:
        # Added since the recording.
        assert set(row) == {*recorded["data"][0], "instFamily"}
    for row in (*recorded["data"], *answer["data"]):
        assert all(isinstance(value, str) for value in row.values())
        assert row["instId"] == f"{row['baseCcy']}-{row['quoteCcy']}"
        assert all(EXACT.fullmatch(row[name]) for name in ("tickSz", "lotSz", "minSz", "listTime"))
        assert not any(row[name] for name in ("ctVal", "ctValCcy", "ctMult", "settleCcy", "uly", "expTime"))


def test_derivatives_have_an_underlying_in_the_place_of_a_base(okx):
    rows = {row["instId"]: row for kind in ("SWAP", "FUTURES") for row in okx.data("public/instruments", instType=kind)}
    names = ("baseCcy", "quoteCcy", "uly", "ctVal", "ctValCcy", "settleCcy", "ctType", "lotSz", "expTime")
    assert {instrument: tuple(row[name] for name in names) for instrument, row in rows.items()} == {
        "BTC-USDT-SWAP": ("", "", "BTC-USDT", "0.01", "BTC", "USDT", "linear", "0.01", ""),
        "ETH-USDT-SWAP": ("", "", "ETH-USDT", "0.1", "ETH", "USDT", "linear", "0.01", ""),
        "SOL-USDT-SWAP": ("", "", "SOL-USDT", "1", "SOL", "USDT", "linear", "0.01", ""),
        "BTC-USD-SWAP": ("", "", "BTC-USD", "100", "USD", "BTC", "inverse", "1", ""),
        "BTC-USDT-250328": ("", "", "BTC-USDT", "0.01", "BTC", "USDT", "linear", "0.01", str(utc(2025, 3, 28, 8))),
    }
    assert okx.data("public/instruments", instType="OPTION") == []
    assert [row["instId"] for row in okx.data("public/instruments", instType="SWAP", instId="ETH-USDT-SWAP")] == [
        "ETH-USDT-SWAP"
    ]


def test_a_suspended_instrument_is_shown_with_flat_candles_and_a_delisted_one_not_at_all(okx):
    states = {row["instId"]: row["state"] for row in okx.data("public/instruments", instType="SPOT")}
    assert (states["BTC-USDT"], states["HALT-USDT"]) == ("live", "suspend")
    # The spot market's HALTUSDT is halted from 2025-01-25 10:30 on.
    rows = okx.candles("HALT-USDT", "1H", utc(2025, 1, 25, 9), utc(2025, 1, 26))
    assert [Decimal(row[5]) > 0 for row in rows] == [True, True, *[False] * 13]
    assert len({*rows[2][1:5], *rows[-1][1:5], rows[1][4]}) == 1
    assert "GONE-USDT" not in states
    assert okx.refusal("market/history-candles", instId="GONE-USDT")[1]["code"] == "51001"


def test_candles_have_the_form_of_recorded_ones(okx, recordings):
    path = recordings / "other_exchanges" / "okx_15m_2022-02" / "BTC-USDT.csv"
    with path.open() as lines:
        recorded = [row[2:] for row in csv.reader(lines)][1:]
    simulated = [row[1:7] for row in okx.data("market/candles", instId="BTC-USDT", bar="15m", limit=300)]
    assert len(recorded) == len(simulated) == 300
    for row in (*recorded, *simulated):
        assert all(EXACT.fullmatch(text) for text in row)
        first, high, low, last, volume, quote = map(Decimal, row)
        assert low <= min(first, last) <= max(first, last) <= high
        assert all(price == price.quantize(Decimal("0.1")) for price in (first, high, low, last))
        assert low <= quote / volume <= high


def test_prices_and_volumes_follow_the_spot_market_closely_and_not_exactly(okx):
    start = utc(2025, 2, 20)
    rows = okx.spot.klines("ETHUSDT", "1h", start, start + DAY - 1)
    candles = okx.candles("ETH-USDT", "1H", start, start + DAY)
    assert opens(candles) == [row[0] for row in rows]
    for ours, theirs in zip(candles, rows, strict=True):
        for column in (1, 2, 3, 4):
            assert 0 < abs(Decimal(ours[column]) / Decimal(theirs[column]) - 1) < Decimal("0.0004")
        assert Decimal("0.1") < Decimal(ours[5]) / Decimal(theirs[5]) < Decimal("0.5")


def test_a_minute_without_a_trade_is_flat_at_the_close_before(okx):
    start = utc(2025, 2, 1)
    minutes = okx.spot.klines("SPARSEUSDT", "1m", start, start + DAY - 1)
    rows = okx.candles("SPARSE-USDT", "1m", start, start + DAY)
    assert opens(rows) == [row[0] for row in minutes] == list(range(start, start + DAY, MINUTE))
    assert [Decimal(row[5]) > 0 for row in rows] == [row[8] > 0 for row in minutes]
    for before, row in pairwise(rows):
        if Decimal(row[5]) == 0:
            assert row[1:] == [before[4]] * 4 + ["0", "0", "0", "1"]


def test_not_even_flat_candles_are_there_from_an_outage_of_the_venue(okx):
    minutes = opens(okx.candles("SPARSE-USDT", "1m", utc(2025, 1, 20), utc(2025, 1, 21)))
    lost = set(range(utc(2025, 1, 20, 2), utc(2025, 1, 20, 5, 13), MINUTE))
    assert minutes == sorted({*range(utc(2025, 1, 20), utc(2025, 1, 21), MINUTE)} - lost)
    hours = opens(okx.candles("BTC-USDT", "1H", utc(2025, 1, 20), utc(2025, 1, 20, 8)))
    assert hours == [utc(2025, 1, 20, hour) for hour in (0, 1, 5, 6, 7)]


def test_a_candle_that_begins_in_an_outage_appears_with_its_end(own):
    newest = {}
    for minute in (5, 12, 20):
        own.simulator.clock_set(utc(2025, 1, 20, 5, minute))
        newest[minute] = opens(own.data("market/candles", instId="BTC-USDT", bar="1H", limit=1))
    assert newest == {5: [utc(2025, 1, 20, 1)], 12: [utc(2025, 1, 20, 1)], 20: [utc(2025, 1, 20, 5)]}


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        ("1m", utc(2025, 3, 1, 12, 34)),
        ("3m", utc(2025, 3, 1, 12, 33)),
        ("5m", utc(2025, 3, 1, 12, 30)),
        ("15m", utc(2025, 3, 1, 12, 30)),
        ("30m", utc(2025, 3, 1, 12, 30)),
        ("1H", utc(2025, 3, 1, 12)),
        ("2H", utc(2025, 3, 1, 12)),
        ("4H", utc(2025, 3, 1, 12)),
        ("6H", utc(2025, 3, 1, 10)),
        ("6Hutc", utc(2025, 3, 1, 12)),
        ("12H", utc(2025, 3, 1, 4)),
        ("12Hutc", utc(2025, 3, 1, 12)),
        ("1D", utc(2025, 2, 28, 16)),
        ("1Dutc", utc(2025, 3, 1)),
        ("1W", utc(2025, 2, 23, 16)),
        ("1Wutc", utc(2025, 2, 24)),
        ("1M", utc(2025, 2, 28, 16)),
        ("1Mutc", utc(2025, 3, 1)),
        ("3M", utc(2024, 12, 31, 16)),
        ("3Mutc", utc(2025, 1, 1)),
    ],
)
def test_the_newest_candle_of_each_bar_is_in_progress_and_opens_on_its_grid(okx, bar, expected):
    # 2025-03-01 is a Saturday; what has no utc in its name from 6H on opens on the days of UTC+8.
    for path in ("market/candles", "market/history-candles"):
        first, second = okx.data(path, instId="BTC-USDT", bar=bar, limit=2)
        assert (int(first[0]), first[8], second[8]) == (expected, "0", "1")


@pytest.mark.parametrize(("bar", "days"), [("2D", 2), ("3D", 3)])
def test_candles_of_some_days_open_on_days_of_their_zone(okx, bar, days):
    for name, offset in ((bar, 16 * HOUR), (f"{bar}utc", 0)):
        found = opens(okx.candles("ETH-USDT", name, utc(2025, 1, 1), NOW))
        assert {opened % DAY for opened in found} == {offset}
        assert {after - before for before, after in pairwise(found)} == {days * DAY}


@pytest.mark.parametrize(
    ("bar", "open_of"),
    [
        ("5m", lambda opened: opened // (5 * MINUTE) * 5 * MINUTE),
        ("4H", lambda opened: opened // (4 * HOUR) * 4 * HOUR),
        ("1D", lambda opened: (opened + 8 * HOUR) // DAY * DAY - 8 * HOUR),
        ("1Dutc", lambda opened: opened // DAY * DAY),
    ],
)
@pytest.mark.parametrize("instrument", ["TINY-USDT", "BTC-USD-SWAP", "SOL-USDT-SWAP"])
def test_coarser_candles_are_those_of_the_minutes(okx, instrument, bar, open_of):
    start, end = utc(2025, 1, 18, 16), utc(2025, 1, 21, 0)
    expected = merge(map(as_candle, okx.candles(instrument, "1m", start, end)), open_of)
    found = {row.time: row for row in map(as_candle, okx.candles(instrument, bar, start, end)) if row.sums[0]}
    complete = [opened for opened in expected if opened >= start and open_of(end) > opened]
    assert len(complete) >= 2
    assert [found[opened] for opened in complete] == [expected[opened] for opened in complete]


def test_volumes_of_contracts_follow_from_their_value(okx):
    span = (utc(2025, 2, 20), utc(2025, 2, 21))
    for row in map(as_candle, okx.candles("BTC-USDT-SWAP", "1H", *span)):
        contracts, base, quote = row.sums
        assert contracts * Decimal("0.01") == base > 0
        assert row.prices[2] <= quote / base <= row.prices[1]
    for row in map(as_candle, okx.candles("BTC-USD-SWAP", "1H", *span)):
        contracts, base, quote = row.sums
        assert contracts * 100 == quote > 0
        assert abs(base * row.prices[3] / quote - 1) < Decimal("0.1")
    spot = as_candle(okx.candles("BTC-USDT", "1H", *span)[0])
    assert spot.sums[1] == spot.sums[2] > spot.sums[0]


def test_after_and_before_are_exclusive_and_pages_are_the_newest_rows_between_them(okx):
    path, given = "market/history-candles", {"instId": "BTC-USDT", "bar": "1Dutc"}
    every = [int(row[0]) for row in okx.data(path, **given)]
    # The market began on 2024-12-01.
    assert every == [utc(2024, 12, 1) + n * DAY for n in range(90, -1, -1)]
    newer, older = every[10], every[20]
    for bounds, expected in (
        ({"after": newer}, every[11:]),
        ({"before": older}, every[:20]),
        ({"after": newer, "before": older}, every[11:20]),
        ({"after": newer + 1, "before": older - 1}, every[10:21]),
        ({"after": newer, "before": newer - 1}, []),
        ({"after": every[-1]}, []),
        ({"before": every[0]}, []),
    ):
        assert opens(okx.data(path, **given, **bounds)) == expected
        assert opens(okx.data(path, **given, **bounds, limit=5)) == expected[:5]


def test_pages_have_a_hundred_rows_unless_asked_and_never_more_than_the_most(capped):
    given = {"path": "market/history-candles", "instId": "ETH-USDT", "bar": "1m"}
    assert [len(capped.data(**given, limit=limit)) for limit in ("", 299, 300, 1000)] == [100, 299, 300, 300]
    assert capped.simulator.okx_settings(page_limit=100)["page_limit"] == 100
    assert [len(capped.data(**given, limit=limit)) for limit in ("", 99, 300)] == [100, 99, 100]
    with pytest.raises(ValueError, match="page_limit"):
        capped.simulator.okx_settings(page_limit=0)


def test_recent_candles_are_the_last_1440(okx):
    minutes = opens(okx.candles("BTC-USDT", "1m", 1, NOW, path="market/candles"))
    assert (len(minutes), minutes[-1]) == (1440, utc(2025, 3, 1, 12, 34))
    assert okx.data("market/candles", instId="BTC-USDT", bar="1m", after=minutes[0]) == []
    assert opens(okx.data("market/history-candles", instId="BTC-USDT", bar="1m", after=minutes[0], limit=1)) == [
        minutes[0] - MINUTE
    ]


def test_history_begins_with_a_late_listing(okx):
    rows = okx.candles("LATE-USDT", "15m", utc(2025, 1, 1), utc(2025, 1, 13))
    assert int(rows[0][0]) == utc(2025, 1, 12, 10, 15)
    listed = okx.data("public/instruments", instType="SPOT", instId="LATE-USDT")[0]["listTime"]
    assert int(listed) == utc(2025, 1, 12, 10, 20)
    hours = map(as_candle, okx.candles("LATE-USDT", "1H", utc(2025, 1, 12), utc(2025, 1, 12, 12)))
    minutes = map(as_candle, okx.candles("LATE-USDT", "1m", utc(2025, 1, 12), utc(2025, 1, 12, 12)))
    expected = merge(minutes, lambda opened: opened // HOUR * HOUR)
    assert [*expected] == [utc(2025, 1, 12, 10), utc(2025, 1, 12, 11)]
    assert [*hours] == [*expected.values()]
    rows = okx.candles("BTC-USDT-250328", "1H", utc(2024, 12, 1), utc(2024, 12, 28))
    assert int(rows[0][0]) == utc(2024, 12, 27, 8)


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("market/candles", {"instId": "NONE-USDT"}, 200, "51001"),
        ("market/candles", {}, 400, "50014"),
        ("market/candles", {"instId": "BTC-USDT", "bar": "1h"}, 400, "51000"),
        ("market/candles", {"instId": "BTC-USDT", "bar": "1d"}, 400, "51000"),
        ("market/history-candles", {"instId": "BTC-USDT", "after": "2025-01-01"}, 400, "51000"),
        ("market/history-candles", {"instId": "BTC-USDT", "limit": "0"}, 400, "51000"),
        ("market/history-candles", {"instId": "BTC-USDT", "limit": "-5"}, 400, "51000"),
        ("public/instruments", {}, 400, "50014"),
        ("public/instruments", {"instType": "STOCK"}, 400, "51000"),
        ("public/funding-rate-history", {"instId": "NONE-USDT-SWAP"}, 200, "51001"),
        ("public/nothing", {}, 404, "404"),
    ],
)
def test_errors_have_a_code_that_is_a_text(okx, path, params, status, code):
    found, answer = okx.refusal(path, **params)
    assert (found, answer["code"], answer["data"]) == (status, code, [])
    assert answer["msg"]


def test_the_time_is_that_of_the_clock(okx):
    assert okx.data("public/time") == [{"ts": str(NOW)}]


def test_funding_is_paid_every_eight_hours_or_as_it_was_changed_to(okx):
    def times(instrument, start, end):
        params = {"before": start - 1, "after": end}
        rows = okx.data("public/funding-rate-history", instId=instrument, **params)
        return [int(row["fundingTime"]) for row in reversed(rows)]

    day = (utc(2025, 2, 9), utc(2025, 2, 11))
    assert times("BTC-USDT-SWAP", *day) == list(range(*day, 8 * HOUR))
    changed = [utc(2025, 2, 9, hour) for hour in (0, 8, 16)]
    changed += [utc(2025, 2, 10, hour) for hour in (0, 8, 12, 16, 20)]
    assert times("ETH-USDT-SWAP", *day) == changed
    assert times("SOL-USDT-SWAP", utc(2025, 2, 20), utc(2025, 2, 21)) == list(
        range(utc(2025, 2, 20), utc(2025, 2, 21), HOUR)
    )
    assert okx.data("public/funding-rate-history", instId="BTC-USDT") == []


def test_funding_rates_are_those_of_three_months_newest_first(capped):
    path = "public/funding-rate-history"
    rows = capped.data(path, instId="BTC-USDT-SWAP")
    found = [int(row["fundingTime"]) for row in rows]
    # Three a day; the clock stands at 12:34 on 2025-03-01, and the market began on 2024-12-01.
    assert found == [utc(2025, 3, 1, 8) - n * 8 * HOUR for n in range(3 * 90)]
    assert capped.data(path, instId="BTC-USDT-SWAP", after=found[100], limit=10) == rows[101:111]
    assert capped.data(path, instId="BTC-USDT-SWAP", before=found[5]) == rows[:5]
    capped.simulator.okx_settings(page_limit=100)
    assert capped.data(path, instId="BTC-USDT-SWAP") == rows[:100]
    for row in rows:
        assert set(row) == {
            *("formulaType", "fundingRate", "fundingTime", "instId", "instType", "method", "realizedRate")
        }
        assert row["realizedRate"] != row["fundingRate"]
        assert abs(Decimal(row["realizedRate"])) < Decimal("0.005")
    assert {row["method"] for row in rows} == {"current_period", "next_period"}


@pytest.mark.parametrize(
    ("instrument", "bar", "interval", "length"),
    [
        ("TINY-USDT", "15m", "15m", 15 * MINUTE),
        ("BTC-USD-SWAP", "4H", "4h", 4 * HOUR),
        ("ETH-USDT-SWAP", "6Hutc", "6h", 6 * HOUR),
        ("ETH-USDT", "1Dutc", "1d", DAY),
        ("SOL-USDT-SWAP", "1Wutc", "1w", 7 * DAY),
    ],
)
def test_the_truth_is_what_the_pages_hold(okx, instrument, bar, interval, length):
    start = utc(2025, 2, 3)
    truth = okx.simulator.truth("okx_candles", instrument, interval, start)
    names = ("open_time", "open", "high", "low", "close", "volume", "quote_volume", "contracts")
    columns = zip(*(truth[name].to_pylist() for name in names), strict=True)
    expected = [[int(opened.timestamp() * 1000), *values] for opened, *values in columns]
    rows = [row for row in okx.candles(instrument, bar, start, NOW) if row[8] == "1"]
    assert opens(rows) == list(range(start, NOW - length + 1, length))
    is_swap = instrument.endswith("SWAP")
    volumes = [(6, 7, 5) if is_swap else (5, 7)] * len(rows)
    served = [
        [int(row[0]), *map(Decimal, row[1:5]), *(Decimal(row[column]) for column in chosen), *[None] * (not is_swap)]
        for row, chosen in zip(rows, volumes, strict=True)
    ]
    assert expected == served
    assert set(truth["symbol"].to_pylist()) == {instrument}
    assert set(truth["interval"].to_pylist()) == {interval}


def test_the_truth_about_funding_is_what_the_pages_hold(okx):
    start = utc(2025, 1, 1)
    truth = okx.simulator.truth("okx_funding_rates", "ETH-USDT-SWAP", start_ms=start).to_pylist()
    served = okx.data("public/funding-rate-history", instId="ETH-USDT-SWAP", before=start - 1)
    assert truth == [
        {
            "symbol": "ETH-USDT-SWAP",
            "funding_time": datetime.fromtimestamp(int(row["fundingTime"]) / 1000, timezone.utc),
            "funding_rate": Decimal(row["realizedRate"]),
            "predicted_rate": Decimal(row["fundingRate"]),
            "method": row["method"],
        }
        for row in reversed(served)
    ]


def test_limits_are_kept_for_each_path_and_for_funding_for_each_instrument(own):
    okx, simulator = own, own.simulator
    simulator.clock_set(NOW)
    simulator.reset_limits()
    simulator.reset_stats()
    refusal = {"code": "50011", "msg": "Too Many Requests", "data": []}
    simulator.other_client_usage(1000, limit="okx public/time")
    assert okx.refusal("public/time") == (429, refusal)
    simulator.okx_settings(refusal_status=200)
    simulator.other_client_usage(1000, limit="okx public/time")
    assert okx.refusal("public/time") == (200, refusal)
    for instrument in ("BTC-USDT-SWAP", "ETH-USDT-SWAP"):
        assert len(okx.data("public/funding-rate-history", instId=instrument, limit=3)) == 3
    report = simulator.stats()["limits"]
    simulator.reset_limits()
    simulator.okx_settings(refusal_status=429)
    assert okx.data("public/time")
    limits = {name: limit for name, limit in report.items() if name.startswith("okx ")}
    assert {name: (limit["limit"], limit["total"], limit["refused"]) for name, limit in limits.items()} == {
        "okx public/time": (10, 2, 2),
        "okx public/instruments": (20, 0, 0),
        "okx market/candles": (40, 0, 0),
        "okx market/history-candles": (20, 0, 0),
        "okx public/funding-rate-history BTC-USDT-SWAP": (10, 1, 0),
        "okx public/funding-rate-history ETH-USDT-SWAP": (10, 1, 0),
    }
    assert {limit["window_seconds"] for limit in limits.values()} == {2}
    assert limits["okx public/time"]["max_in_window"] > 1000


def test_a_ban_refuses_all_requests_to_the_venue_and_to_no_other(own):
    own.simulator.reset_limits()
    own.simulator.add_fault("ban_418", path="/okx", seconds=3600)
    assert [own.refusal("public/time")[0] for _ in range(2)] == [429, 429]
    assert own.spot.ask("ping").status_code == 200
    own.simulator.reset_limits()
    assert own.data("public/time")


def test_faults_strike_by_path_and_instrument_in_the_venues_own_words(capped):
    simulator, path = capped.simulator, "market/history-candles"
    simulator.add_fault("error_code", path="/okx", symbol="ETH-USDT", status=200, code=50013, msg="Systems are busy")
    assert capped.refusal(path, instId="BTC-USDT")[1]["code"] == "0"
    assert capped.refusal(path, instId="ETH-USDT") == (200, {"code": "50013", "msg": "Systems are busy", "data": []})
    simulator.add_fault("error_code", path="/okx", status=200, code=50121, msg="Not available in your region")
    assert capped.refusal("public/time")[1]["code"] == "50121"
    simulator.add_fault("rate_429", path="/okx", retry_after="", seconds=0.01)
    answer = capped.ask("public/time")
    assert (answer.status_code, answer.json()["code"], "Retry-After" in answer.headers) == (429, "50011", False)
    simulator.add_fault("short_page", path="/okx")
    whole = capped.data(path, instId="ETH-USDT", after=NOW, limit=10)
    assert len(whole) == 5
    simulator.add_fault("empty_page", path="/okx")
    assert capped.data(path, instId="ETH-USDT") == []
    hidden = {"start": "2025-02-03T01:00", "end": "2025-02-03T03:00"}
    simulator.add_fault("hidden_rows", path="/okx/api/v5/market", **hidden)
    simulator.add_fault("hidden_rows", path="/okx/api/v5/public", start="2025-02-03T08:00", end="2025-02-03T08:01")
    rows = capped.data(path, instId="ETH-USDT", bar="1H", after=utc(2025, 2, 3, 4), limit=3)
    assert opens(rows) == [utc(2025, 2, 3, 3), utc(2025, 2, 3), utc(2025, 2, 2, 23)]
    rates = capped.data("public/funding-rate-history", instId="ETH-USDT-SWAP", after=utc(2025, 2, 3, 20), limit=2)
    assert [int(row["fundingTime"]) for row in rates] == [utc(2025, 2, 3, 16), utc(2025, 2, 3)]
