"""The simulated Coinbase Exchange: candles that follow the spot market, in Coinbase's own form."""

import gzip
import http.client
import json
import re
from datetime import datetime, timezone
from decimal import Decimal
from itertools import pairwise
from urllib.parse import urlsplit

import pyarrow.parquet as pq
import pytest
from venue_reading import Venue, candle, merge

from exchange_simulator.venues.rates import RequestRate

MINUTE = 60
DAY = 86_400
FIELDS = ("time", "low", "high", "open", "close", "volume")


def seconds(*parts):
    return int(datetime(*parts, tzinfo=timezone.utc).timestamp())


def iso(moment):
    return datetime.fromtimestamp(moment, timezone.utc).isoformat().replace("+00:00", "Z")


class Coinbase(Venue):
    def __init__(self, client):
        super().__init__(client, client.simulator.coinbase_url)

    def page(self, product, granularity, start, end):
        path = f"products/{product}/candles"
        return self.get(path, granularity=granularity, start=iso(start), end=iso(end))

    def candles(self, product, granularity, start, end):
        """All candles that open in [start, end), oldest first."""
        rows = []
        while start < end:
            last = min(start + 299 * granularity, end - granularity)
            rows += [row for row in reversed(self.page(product, granularity, start, last)) if row[0] >= start]
            start = last + granularity
        return rows


@pytest.fixture(scope="module")
def coinbase(nasty):
    return Coinbase(nasty)


@pytest.fixture(scope="module")
def own(start_for_module):
    """With limits, and a clock that tests may set."""
    return Coinbase(start_for_module(market="tests", clock="2025-03-01", clock_mode="frozen"))


def as_candle(row):
    opened, low, high, first, last, volume = row
    return candle(opened * 1000, first, high, low, last, volume)


def test_products_have_the_recorded_form(coinbase, recordings):
    path = next((recordings / "other_exchanges" / "coinbase_meta").glob("coinbase_products_*.json.gz"))
    recorded = json.loads(gzip.decompress(path.read_bytes()))
    number = re.compile(r"\d+(\.\d+)?")
    # Coinbase has dropped and added these fields since the recording.
    dropped, added = {"base_min_size", "base_max_size", "max_market_funds"}, {"fx_stablecoin", "auction_mode"}
    products = coinbase.get("products")
    for product in products:
        assert set(product) == set(recorded[0]) - dropped | added
        assert coinbase.get(f"products/{product['id']}") == product
    for product in (*recorded, *products):
        assert product["id"] == f"{product['base_currency']}-{product['quote_currency']}"
        assert product["display_name"] == product["id"].replace("-", "/")
        for name in ("quote_increment", "base_increment", "min_market_funds"):
            assert number.fullmatch(product[name])
        for name in ("margin_enabled", "post_only", "limit_only", "cancel_only", "trading_disabled"):
            assert isinstance(product[name], bool)


def test_a_delisted_product_is_shown_as_such_and_keeps_its_history(coinbase):
    states = {product["id"]: (product["status"], product["trading_disabled"]) for product in coinbase.get("products")}
    assert states["GONE-USD"] == ("delisted", True)
    assert states["BTC-USD"] == ("online", False)
    # The spot market's GONEUSDT ends at 2025-01-20 03:00.
    last = coinbase.candles("GONE-USD", 3600, seconds(2025, 1, 19), seconds(2025, 1, 22))[-1]
    assert last[0] == seconds(2025, 1, 20, 2)


def test_candles_have_the_form_of_recorded_ones(coinbase, recordings):
    table = pq.read_table(recordings / "other_exchanges" / "multi_1m_2023-03-01_21" / "coinbase_btcusd.parquet")
    assert tuple(table.column_names[1:6]) == FIELDS[1:]
    recorded = [[int(row.pop("start")), *row.values()] for row in table.drop(["timestamp"]).slice(0, 500).to_pylist()]
    simulated = coinbase.candles("BTC-USD", MINUTE, seconds(2025, 2, 1), seconds(2025, 2, 1, 12))
    assert len(simulated) > 300
    for rows in (recorded, simulated):
        opens = [row[0] for row in rows]
        assert all(opened % MINUTE == 0 for opened in opens)
        assert all(after > before for before, after in pairwise(opens))
        for row in rows:
            low, high, first, last, volume = (Decimal(str(value)) for value in row[1:])
            assert low <= min(first, last) <= max(first, last) <= high
            assert volume > 0
            assert all(price == price.quantize(Decimal("0.01")) for price in (low, high, first, last))
            assert volume == volume.quantize(Decimal("0.00000001"))


def test_prices_and_volumes_follow_the_spot_market_closely_and_not_exactly(coinbase, times):
    start = times.utc_ms(2025, 2, 20)
    rows = coinbase.spot.klines("BTCUSDT", "1h", start, start + times.DAY - 1)
    candles = coinbase.candles("BTC-USD", 3600, start // 1000, start // 1000 + DAY)
    assert [row[0] * 1000 for row in candles] == [row[0] for row in rows]
    for (_, low, high, first, last, volume), row in zip(candles, rows, strict=True):
        for ours, theirs in ((first, row[1]), (high, row[2]), (low, row[3]), (last, row[4])):
            assert 0 < abs(ours / Decimal(theirs) - 1) < Decimal("0.0004")
        assert Decimal("0.1") < volume / Decimal(row[5]) < Decimal("0.5")


def test_a_minute_without_a_trade_has_no_candle(coinbase, times):
    start = times.utc_ms(2025, 2, 1)
    minutes = coinbase.spot.klines("SPARSEUSDT", "1m", start, start + times.DAY - 1)
    traded = [row[0] // 1000 for row in minutes if row[8]]
    assert 5 < len(traded) < 100
    rows = coinbase.candles("SPARSE-USD", MINUTE, start // 1000, start // 1000 + DAY)
    assert [row[0] for row in rows] == traded


@pytest.mark.parametrize("granularity", [300, 900, 3600, 21600, 86400])
@pytest.mark.parametrize("product", ["SOL-USD", "TINY-USD"])
def test_coarser_candles_are_those_of_the_minutes(coinbase, product, granularity):
    start = seconds(2025, 2, 5)
    minutes = map(as_candle, coinbase.candles(product, MINUTE, start, start + DAY))
    length = granularity * 1000
    expected = merge(minutes, lambda opened: opened // length * length)
    candles = map(as_candle, coinbase.candles(product, granularity, start, start + DAY))
    assert {row.time: row for row in candles} == expected


def test_candles_come_newest_first_with_both_bounds(coinbase):
    start = seconds(2025, 2, 3, 10)
    rows = coinbase.page("BTC-USD", 900, start, start + 3 * 900)
    assert [row[0] for row in rows if row[0] >= start] == [start + n * 900 for n in (3, 2, 1, 0)]


def test_numbers_are_json_numbers_with_an_exponent_where_they_are_tiny(coinbase):
    text = coinbase.ask("products/TINY-USD/candles", granularity=3600).text
    assert re.match(r"\[\[\d{10},\d(\.\d+)?e-07,\d(\.\d+)?e-07,\d(\.\d+)?e-07,\d(\.\d+)?e-07,\d+\],", text)
    assert '"' not in coinbase.ask("products/BTC-USD/candles", granularity=3600).text


def test_the_last_candle_is_the_one_in_progress(coinbase):
    # The clock stands at 12:34:56.789.
    midnight = seconds(2025, 3, 1)
    today = as_candle(coinbase.page("BTC-USD", DAY, midnight, midnight)[0])
    minutes = map(as_candle, coinbase.candles("BTC-USD", MINUTE, midnight, midnight + DAY))
    assert merge(minutes, lambda _: midnight * 1000) == {midnight * 1000: today}
    truth = coinbase.simulator.truth("coinbase_candles", "BTC-USD", "1d")
    assert truth["open_time"].to_pylist()[-1] == datetime(2025, 2, 28, tzinfo=timezone.utc)


def test_more_than_300_candles_are_refused_not_cut(coinbase):
    start = seconds(2025, 2, 3)
    path = "products/BTC-USD/candles"
    assert 0 < len(coinbase.candles("BTC-USD", MINUTE, start, start + 300 * MINUTE)) <= 300
    status, answer = coinbase.refusal(path, granularity=60, start=iso(start), end=iso(start + 300 * MINUTE))
    assert (status, list(answer)) == (400, ["message"])
    assert "aggregations requested exceeds 300" in answer["message"]


@pytest.mark.parametrize("given", [{}, {"start": iso(seconds(2025, 1, 1))}, {"end": iso(seconds(2025, 1, 1))}])
def test_without_both_bounds_the_latest_300_are_served(coinbase, given):
    rows = coinbase.get("products/BTC-USD/candles", granularity=300, **given)
    assert len(rows) == 300
    assert rows[0][0] == seconds(2025, 3, 1, 12, 30)


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("products/BTC-USD/candles", {"granularity": 1800}, 400),
        ("products/BTC-USD/candles", {"granularity": "1m"}, 400),
        ("products/BTC-USD/candles", {"granularity": 60, "start": "yesterday", "end": "today"}, 400),
        (
            "products/BTC-USD/candles",
            {"granularity": 60, "start": "2025-01-02T00:00:00Z", "end": "2025-01-01T00:00:00Z"},
            400,
        ),
        ("products/NONE-USD/candles", {"granularity": 60}, 404),
        ("products/NONE-USD", {}, 404),
        ("nothing", {}, 404),
    ],
)
def test_errors_are_a_message(coinbase, path, params, status):
    found, answer = coinbase.refusal(path, **params)
    assert (found, list(answer)) == (status, ["message"])
    assert status != 404 or answer["message"] == "NotFound"


def test_a_request_without_user_agent_is_refused(coinbase):
    connection = http.client.HTTPConnection(urlsplit(coinbase.url).netloc)
    connection.request("GET", "/coinbase/time")
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())) == (400, {"message": "User-Agent header is required."})
    connection.close()


def test_times_are_iso_or_unix_seconds_and_the_server_tells_both(coinbase):
    assert coinbase.get("time") == {"iso": "2025-03-01T12:34:56.789Z", "epoch": Decimal("1740832496.789")}
    start = seconds(2025, 2, 3)
    unix = coinbase.get("products/BTC-USD/candles", granularity=3600, start=start, end=start + 7200)
    assert unix == coinbase.page("BTC-USD", 3600, start, start + 7200)
    moved = {"start": "2025-02-03T02:00:00+02:00", "end": "2025-02-03T04:00:00+02:00"}
    assert unix == coinbase.get("products/BTC-USD/candles", granularity=3600, **moved)


def test_some_requests_get_candles_from_before_their_start_and_none_from_after_their_end(coinbase):
    first = seconds(2025, 2, 3)
    early = 0
    for start in range(first, first + 40 * 900, 900):
        opens = [row[0] for row in coinbase.page("BTC-USD", 900, start, start + 1800)]
        assert opens[0] == start + 1800
        early += opens[-1] < start
    assert 0 < early < 40
    # The candle that an odd start lies in is there too.
    assert coinbase.page("BTC-USD", 900, first + 1000, first + 2000)[-1][0] <= first + 900


def test_history_begins_with_a_late_listing(coinbase):
    rows = coinbase.candles("LATE-USD", 900, seconds(2025, 1, 16), seconds(2025, 1, 17))
    assert rows[0][0] == seconds(2025, 1, 16, 17)


def test_nothing_is_there_from_an_outage_of_the_venue(coinbase):
    opens = [row[0] for row in coinbase.candles("BTC-USD", 900, seconds(2025, 2, 5, 12), seconds(2025, 2, 5, 18))]
    lost = range(seconds(2025, 2, 5, 14), seconds(2025, 2, 5, 15, 30), 900)
    assert sorted({*opens, *lost}) == list(range(seconds(2025, 2, 5, 12), seconds(2025, 2, 5, 18), 900))
    assert not set(opens) & set(lost)


@pytest.mark.parametrize(("product", "interval", "granularity"), [("TINY-USD", "15m", 900), ("ETH-USDT", "1h", 3600)])
def test_the_truth_is_what_the_pages_hold(coinbase, product, interval, granularity):
    start, end = seconds(2025, 2, 24), seconds(2025, 3, 2)
    truth = coinbase.simulator.truth("coinbase_candles", product, interval, start * 1000, end * 1000)
    names = ("open_time", *FIELDS[1:])
    columns = zip(*(truth[name].to_pylist() for name in names), strict=True)
    closed = [[int(opened.timestamp()), *values] for opened, *values in columns]
    served = coinbase.candles(product, granularity, start, end)
    assert closed == [row for row in served if (row[0] + granularity) * 1000 <= coinbase.simulator.clock_now() // 1000]
    assert set(truth["symbol"].to_pylist()) == {product}
    assert set(truth["interval"].to_pylist()) == {interval}


def admitted(rate, moments):
    """Which of the requests at these times, in milliseconds, are admitted."""
    return [rate.admit(moment * 1000, enforce=True) for moment in moments]


def test_a_bucket_takes_its_burst_at_once_and_then_its_rate():
    rate = RequestRate(10, 1, burst=15)
    assert admitted(rate, [0] * 16) == [True] * 15 + [False]
    assert admitted(rate, [99, 100, 101, 200]) == [False, True, False, True]
    assert admitted(rate, [2000] * 16) == [True] * 15 + [False]
    assert admitted(rate, range(2100, 5000, 100)) == [True] * 29
    assert (rate.report()["max_in_window"], rate.report()["refused"]) == (24, 4)


def test_a_rate_holds_for_any_stretch_of_time():
    rate = RequestRate(3, 2)
    assert admitted(rate, [0, 1500, 1999, 1999, 2000, 3499, 3500]) == [True, True, True, False, True, False, True]
    assert rate.report()["max_in_window"] == 4
    rate.reset_counts()
    assert [rate.admit(3_500_000, enforce=False) for _ in range(9)] == [True] * 9
    assert (rate.report()["max_in_window"], rate.report()["refused"]) == (12, 0)


def test_a_candle_grows_with_the_spot_market_until_its_minute_is_over(own, times):
    start = times.utc_ms(2025, 2, 20, 12)
    minutes = own.spot.klines("BTCUSDT", "1m", start, start + times.HOUR - 1)
    opened = max(minutes, key=lambda row: row[8])[0]
    seen = []
    for now in (opened + 30 * times.SECOND, opened + times.MINUTE):
        own.simulator.clock_set(now)
        own.simulator.reset_limits()
        spot = own.spot.klines("BTCUSDT", "1m", opened, opened)[0]
        rows = own.page("BTC-USD", MINUTE, opened // 1000, opened // 1000)
        seen.append((rows[0], Decimal(spot[5])))
    (before, spot_before), (after, spot_after) = seen
    assert (before[0], before[3], after[0]) == (opened // 1000, after[3], opened // 1000)
    assert spot_before < spot_after
    assert before[5] / spot_before == pytest.approx(after[5] / spot_after, rel=Decimal("0.000001"))


def test_beyond_the_limit_requests_are_refused_and_counted(own):
    coinbase = own
    coinbase.simulator.reset_limits()
    coinbase.simulator.reset_stats()
    assert [coinbase.ask("time").status_code for _ in range(15)] == [200] * 15
    coinbase.simulator.other_client_usage(1000, limit="coinbase requests")
    answer = coinbase.ask("time")
    assert (answer.status_code, list(answer.json())) == (429, ["message"])
    assert "Retry-After" not in answer.headers
    limit = coinbase.simulator.stats()["limits"]["coinbase requests"]
    assert (limit["limit"], limit["burst"], limit["total"], limit["refused"]) == (10, 15, 16, 1)
    assert limit["max_in_window"] > 1000
    coinbase.simulator.reset_limits()
    assert coinbase.ask("time").status_code == 200
    assert coinbase.spot.ask("ping").headers["X-MBX-USED-WEIGHT-1M"] == "1"


def test_faults_strike_by_path_and_product_in_the_venues_own_words(coinbase):
    simulator, path = coinbase.simulator, "products/ETH-USD/candles"
    try:
        simulator.add_fault("geo_451", path="/coinbase")
        status, answer = coinbase.refusal(path, granularity=60)
        assert (status, list(answer)) == (451, ["message"])
        simulator.add_fault("error_code", path="/coinbase", symbol="ETH-USD", status=500, msg="Internal server error")
        assert coinbase.refusal("products/BTC-USD/candles", granularity=60)[0] == 200
        assert coinbase.refusal(path, granularity=60) == (500, {"message": "Internal server error"})
        simulator.add_fault("waf_403_html", path="/coinbase")
        assert coinbase.ask(path).status_code == 403
        simulator.add_fault("empty_page", path="/coinbase/products/*/candles")
        assert coinbase.get(path, granularity=60) == []
        simulator.add_fault("hidden_rows", path="/coinbase", start="2025-02-03T01:00", end="2025-02-03T02:00")
        rows = coinbase.candles("ETH-USD", 3600, seconds(2025, 2, 3), seconds(2025, 2, 3, 4))
        assert [row[0] for row in rows] == [seconds(2025, 2, 3, hour) for hour in (0, 2, 3)]
    finally:
        simulator.clear_faults()
