"""Parameters, limits, bounds, errors and weights, against the numbers of the API's documentation."""

import json
from urllib.parse import quote

import pytest

SYMBOL = {"symbol": "BTCUSDT"}
KLINES = {**SYMBOL, "interval": "1m"}

ERRORS = [
    ("ping", {"x": "1"}, -1101),
    ("klines", {"interval": "1m"}, -1102),
    ("klines", {"symbol": "BTCUSDT"}, -1102),
    ("klines", {"symbol": "", "interval": "1m"}, -1102),
    ("klines", {**KLINES, "colour": "red"}, -1103),
    ("klines", {**KLINES, "fromId": "1"}, -1103),
    ("klines", {**KLINES, "endTime": ""}, -1105),
    ("klines", {**KLINES, "startTime": "1.5E12"}, -1100),
    ("klines", {**KLINES, "startTime": "1609459200000.0"}, -1100),
    ("klines", {**KLINES, "startTime": "-1"}, -1100),
    ("klines", {**KLINES, "startTime": "9" * 21}, -1100),
    ("klines", {**KLINES, "startTime": "9" * 20}, -1108),
    ("klines", {**KLINES, "limit": "ten"}, -1100),
    ("klines", {**KLINES, "limit": "0"}, -1130),
    ("klines", {**SYMBOL, "interval": "7m"}, -1120),
    ("klines", {**SYMBOL, "interval": "1D"}, -1120),
    ("klines", {**KLINES, "timeZone": "15"}, -1130),
    ("klines", {**KLINES, "timeZone": "east"}, -1130),
    ("klines", {"symbol": "NOSUCHUSDT", "interval": "1m"}, -1121),
    ("klines", {"symbol": "btcusdt", "interval": "1m"}, -1121),
    ("klines", {"symbol": "BTC/USDT", "interval": "1m"}, -1100),
    ("aggTrades", {**SYMBOL, "fromId": "1", "startTime": "1735689600000"}, -1128),
    ("aggTrades", {"symbol": "NOSUCHUSDT"}, -1121),
    ("historicalTrades", {**SYMBOL, "startTime": "1"}, -1103),
    ("trades", {**SYMBOL, "fromId": "1"}, -1103),
    ("depth", {**SYMBOL, "symbolStatus": "HALT"}, -1220),
    ("depth", {**SYMBOL, "symbolStatus": "SLEEPING"}, -1122),
    ("ticker/24hr", {**SYMBOL, "type": "HUGE"}, -1139),
    ("ticker/24hr", {**SYMBOL, "symbols": '["BTCUSDT"]'}, -1128),
    ("ticker/24hr", {"symbols": '["BTCUSDT","NOSUCHUSDT"]'}, -1121),
    ("ticker/price", {"symbols": '["BTCUSDT","BTCUSDT"]'}, -1151),
    ("ticker/price", {"symbols": "[BTCUSDT"}, -1135),
    ("ticker/bookTicker", {"symbol": "GONEUSDT", "symbolStatus": "TRADING"}, -1220),
    ("exchangeInfo", {**SYMBOL, "symbols": '["BTCUSDT"]'}, -1128),
    ("exchangeInfo", {**SYMBOL, "symbolStatus": "TRADING"}, -1128),
    ("exchangeInfo", {"symbol": "NOSUCHUSDT"}, -1121),
    ("avgPrice", {}, -1102),
]


@pytest.mark.parametrize(("path", "params", "code"), ERRORS)
def test_a_bad_request_is_http_400_with_the_documented_code(nasty, path, params, code):
    answer = nasty.ask(path, **params)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json()["msg"]
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"


def test_a_parameter_sent_twice_is_refused(nasty):
    answer = nasty.ask("klines", symbol=["BTCUSDT", "ETHUSDT"], interval="1m")
    assert (answer.status_code, answer.json()["code"]) == (400, -1101)


def test_a_bad_time_unit_is_refused(nasty):
    answer = nasty.ask("time", {"X-MBX-TIME-UNIT": "FORTNIGHT"})
    assert (answer.status_code, answer.json()["code"]) == (400, -1194)


def test_an_unknown_path_is_404_and_html_only_for_browsers(nasty):
    for path in ("nothing", "ticker/tradingDay/", "Klines"):
        answer = nasty.ask(path)
        assert (answer.status_code, answer.content) == (404, b"")
    browser = nasty.ask("nothing", {"Accept": "text/html"})
    assert (browser.status_code, browser.headers["Content-Type"]) == (404, "text/html")
    assert nasty.session.post(f"{nasty.simulator.url}/api/v3/ping").status_code == 404


def test_limits_have_the_documented_defaults_and_are_cut_to_the_documented_maximum(nasty):
    for path, params in (("klines", KLINES), ("uiKlines", KLINES), ("aggTrades", SYMBOL), ("trades", SYMBOL)):
        assert len(nasty.get(path, **params)) == 500
        assert len(nasty.get(path, **params, limit=1000)) == 1000
        assert len(nasty.get(path, **params, limit=5000)) == 1000
        assert len(nasty.get(path, **params, limit=7)) == 7
    assert len(nasty.get("depth", **SYMBOL)["bids"]) == 100
    assert len(nasty.get("depth", **SYMBOL, limit=9999)["asks"]) == 5000


class TestKlineBounds:
    def test_both_ends_are_inclusive_and_mean_the_open_time(self, nasty, times):
        start = times.utc_ms(2025, 1, 2, 7)
        ask = {**SYMBOL, "interval": "1h"}
        assert [row[0] for row in nasty.get("klines", **ask, startTime=start, endTime=start + times.HOUR)] == [
            start,
            start + times.HOUR,
        ]
        assert [row[0] for row in nasty.get("klines", **ask, startTime=start, endTime=start)] == [start]
        late = nasty.get("klines", **ask, startTime=start + 28 * times.MINUTE, limit=1)
        assert late[0][0] == start + times.HOUR
        assert nasty.get("klines", **ask, startTime=start + 1, endTime=start + times.HOUR - 1) == []

    def test_a_start_alone_gives_the_oldest_rows_and_an_end_alone_the_latest(self, nasty, times):
        middle = times.utc_ms(2025, 1, 2, 7)
        from_start = nasty.get("klines", **KLINES, startTime=middle, limit=3)
        up_to_end = nasty.get("klines", **KLINES, endTime=middle, limit=3)
        assert [row[0] - middle for row in from_start] == [0, 60_000, 120_000]
        assert [row[0] - middle for row in up_to_end] == [-120_000, -60_000, 0]

    def test_a_long_range_is_cut_at_the_limit(self, nasty, times):
        start = times.utc_ms(2024, 12, 31, 20)
        page = nasty.get("klines", **KLINES, startTime=start, endTime=times.NOW, limit=1000)
        assert [row[0] for row in page] == [start + index * 60_000 for index in range(1000)]

    def test_a_start_before_the_listing_gives_the_first_klines(self, nasty, times):
        page = nasty.get("klines", **KLINES, startTime=0, limit=2)
        assert [row[0] for row in page] == [times.utc_ms(2024, 12, 1), times.utc_ms(2024, 12, 1, 0, 1)]

    def test_nothing_is_there_in_the_future_or_for_a_range_in_seconds(self, nasty, times):
        assert nasty.get("klines", **KLINES, startTime=times.NOW) == []
        assert nasty.get("klines", **KLINES, startTime=2**62) == []
        assert nasty.get("klines", **KLINES, startTime=1735689600, endTime=1735776000) == []
        assert nasty.get("klines", **KLINES, startTime=times.NOW, endTime=times.NOW - times.HOUR) == []

    def test_times_may_be_given_in_microseconds(self, nasty, times):
        start = times.utc_ms(2025, 1, 2, 7)
        expected = nasty.get("klines", **KLINES, startTime=start, endTime=start + 60_000)
        assert len(expected) == 2
        assert nasty.get("klines", **KLINES, startTime=start * 1000, endTime=(start + 60_000) * 1000) == expected
        assert (
            nasty.get("klines", **KLINES, startTime=start * 1000 + 1, endTime=(start + 60_000) * 1000) == expected[1:]
        )

    def test_trades_of_one_millisecond_are_found_by_it_and_by_their_microsecond(self, nasty, times):
        row = nasty.get(
            "aggTrades", {"X-MBX-TIME-UNIT": "MICROSECOND"}, **SYMBOL, startTime=times.utc_ms(2025, 1, 2), limit=1
        )[0]
        by_ms = nasty.get("aggTrades", **SYMBOL, startTime=row["T"] // 1000, endTime=row["T"] // 1000)
        assert row["a"] in [found["a"] for found in by_ms]
        by_us = nasty.get("aggTrades", **SYMBOL, startTime=row["T"], endTime=row["T"])
        assert row["a"] in [found["a"] for found in by_us]
        assert row["a"] not in [
            found["a"] for found in nasty.get("aggTrades", **SYMBOL, startTime=row["T"] + 1, limit=5)
        ]


MANY = json.dumps([f"SYM{number:03d}USDT" for number in range(101)], separators=(",", ":"))
SOME = json.dumps([f"SYM{number:03d}USDT" for number in range(100)], separators=(",", ":"))
FEW = json.dumps([f"SYM{number:03d}USDT" for number in range(20)], separators=(",", ":"))
ONE = "SYM007USDT"
WEIGHTS = [
    ("ping", {}, 1),
    ("time", {}, 1),
    ("exchangeInfo", {}, 20),
    ("exchangeInfo", {"symbol": ONE}, 20),
    ("klines", {"symbol": ONE, "interval": "1m", "limit": 1}, 2),
    ("klines", {"symbol": ONE, "interval": "1m", "limit": 1000}, 2),
    ("uiKlines", {"symbol": ONE, "interval": "1m"}, 2),
    ("trades", {"symbol": ONE}, 25),
    ("historicalTrades", {"symbol": ONE, "fromId": 0}, 25),
    ("aggTrades", {"symbol": ONE}, 4),
    ("depth", {"symbol": ONE}, 5),
    ("depth", {"symbol": ONE, "limit": 100}, 5),
    ("depth", {"symbol": ONE, "limit": 101}, 25),
    ("depth", {"symbol": ONE, "limit": 500}, 25),
    ("depth", {"symbol": ONE, "limit": 1000}, 50),
    ("depth", {"symbol": ONE, "limit": 5000}, 250),
    ("avgPrice", {"symbol": ONE}, 2),
    ("ticker/24hr", {"symbol": ONE}, 2),
    ("ticker/24hr", {"symbols": FEW}, 2),
    ("ticker/24hr", {"symbols": SOME}, 40),
    ("ticker/24hr", {"symbols": MANY}, 80),
    ("ticker/24hr", {}, 80),
    ("ticker/price", {"symbol": ONE}, 2),
    ("ticker/price", {"symbols": FEW}, 4),
    ("ticker/price", {}, 4),
    ("ticker/bookTicker", {"symbol": ONE}, 2),
    ("ticker/bookTicker", {}, 4),
]
FAMILY = """
[[family]]
name = "SYM{:03d}USDT"
count = 120
price = "5"
tick_size = "0.001"
step_size = "0.01"
usual_quantity = "20"
trades_per_minute = 0.5
listed = 2025-01-01
"""


@pytest.fixture(scope="module")
def many(start_for_module, tmp_path_factory):
    """A market of 120 symbols."""
    file = tmp_path_factory.mktemp("market") / "many.toml"
    file.write_text(FAMILY)
    return start_for_module(market=file, clock="2025-01-03T00:00:00", no_limits=True)


@pytest.mark.parametrize(("path", "params", "weight"), WEIGHTS)
def test_each_request_has_its_documented_weight_in_the_headers(many, path, params, weight):
    many.simulator.reset_limits()
    answer = many.ask(path, **params)
    assert answer.status_code == 200
    assert answer.headers["X-MBX-USED-WEIGHT-1M"] == str(weight)
    assert answer.headers["X-MBX-USED-WEIGHT"] == str(weight)
    again = many.ask(path, **params)
    assert again.headers["x-mbx-used-weight-1m"] == str(2 * weight)


def test_tickers_are_an_object_for_one_symbol_and_an_array_otherwise(many):
    for path in ("ticker/24hr", "ticker/price", "ticker/bookTicker"):
        assert many.get(path, symbol=ONE)["symbol"] == ONE
        assert [row["symbol"] for row in many.get(path, symbols='["SYM003USDT","SYM001USDT"]')] == [
            "SYM003USDT",
            "SYM001USDT",
        ]
        assert len(many.get(path)) == 120
    assert [row["symbol"] for row in many.get("ticker/price", symbols='["SYM003USDT"]')] == ["SYM003USDT"]


def test_status_filters_leave_out_what_does_not_match(nasty):
    assert [row["symbol"] for row in nasty.get("ticker/price", symbolStatus="BREAK")] == ["GONEUSDT"]
    assert [row["symbol"] for row in nasty.get("exchangeInfo", symbolStatus="HALT")["symbols"]] == ["HALTUSDT"]


def test_exchange_info_describes_symbols_and_limits(nasty, times):
    info = nasty.get("exchangeInfo")
    assert info["timezone"] == "UTC"
    assert info["serverTime"] == times.NOW
    names = [symbol["symbol"] for symbol in info["symbols"]]
    assert names == [
        "BTCUSDT", "ETHUSDT", "SOLUSDT", "币安人生USDT", "TINYUSDT", "OUTAGEUSDT", "LATEUSDT", "GONEUSDT", "HALTUSDT",
        "TOMBUSDT", "SPARSEUSDT", "ETHBTC",
    ]  # fmt: skip
    tiny = nasty.get("exchangeInfo", symbol="TINYUSDT")["symbols"][0]
    filters = {entry["filterType"]: entry for entry in tiny["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.00000001"
    assert filters["LOT_SIZE"]["stepSize"] == "1.00000000"
    assert filters["NOTIONAL"]["minNotional"] == "5.00000000"
    assert (tiny["baseAsset"], tiny["quoteAsset"], tiny["status"]) == ("TINY", "USDT", "TRADING")
    assert (tiny["permissions"], tiny["permissionSets"]) == ([], [["SPOT"]])
    assert nasty.get("exchangeInfo", permissions="MARGIN")["symbols"] == []
    assert len(nasty.get("exchangeInfo", permissions='["MARGIN","SPOT"]')["symbols"]) == 12
    hidden = nasty.get("exchangeInfo", symbol="TINYUSDT", showPermissionSets="false")["symbols"][0]
    assert hidden["permissionSets"] == []


def test_a_name_outside_ascii_works_everywhere(nasty):
    name = "币安人生USDT"
    assert nasty.get("ticker/price", symbols=f'["{name}"]')[0]["symbol"] == name
    raw = nasty.session.get(f"{nasty.simulator.url}/api/v3/klines?symbol={quote(name)}&interval=1h&limit=2")
    assert len(raw.json()) == 2


def test_prices_and_quantities_follow_the_filters(nasty):
    for trade in nasty.get("trades", symbol="OUTAGEUSDT", limit=1000):
        assert trade["price"].endswith("00000")
        assert trade["qty"].endswith("000000")
