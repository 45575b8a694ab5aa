"""Recorded answers of the futures' REST API come out with the values that stand in them."""

import csv
import gzip
import json
import threading
from datetime import datetime, timezone
from decimal import Decimal

import pytest

from binance_source.markets import UM_MARKET
from binance_source.rest.client import RestClient
from binance_source.rest.funding_rates import FundingSeries
from binance_source.rest.open_interest import OpenInterestSeries
from binance_source.rest.premium_index import fetch_premium_index, premium_index_snapshot
from binance_source.rest.symbols import fetch_exchange_info, symbols_snapshot
from binance_source.rest.tickers import fetch_tickers, tickers_snapshot
from exchange_engine.http.transport import Tally
from exchange_engine.walk import Window
from tests.fuzz.played import Played, configuration

HOUR = 3_600_000
FAR = 4 * 10**12
NEVER = 4_133_404_800_000


@pytest.fixture
def play():
    """A futures client whose every answer is the one that was played last."""
    answers, stop = Played(), threading.Event()
    client = RestClient(configuration(), stop, UM_MARKET)
    client.budget.set_limit(10**12)
    client._session.mount("https://", answers)

    def played(document):
        answers.play(json.dumps(document).encode())
        return client

    yield played
    client.close()


@pytest.fixture
def routes(recordings):
    document = json.loads((recordings / "api_responses" / "gocryptotrader_binance_public_get.json").read_text())
    return document.get("routes", document)


def all_rows(snapshot):
    """The rows of a list of which nothing was left out."""
    assert (list(snapshot.rejected), snapshot.unnamed) == ([], 0)
    return snapshot.rows.to_pylist()


def utc(milliseconds):
    seconds, rest = divmod(milliseconds, 1000)
    return datetime.fromtimestamp(seconds, timezone.utc).replace(microsecond=rest * 1000)


def to_the_second(milliseconds):
    return utc(milliseconds // 1000 * 1000 + (1000 if milliseconds % 1000 >= 500 else 0))


def rates(client, symbol, rows):
    first, last = rows[0]["fundingTime"], rows[-1]["fundingTime"]
    series = FundingSeries(client, f"um|{symbol}", (first, last + 1), [], FAR)
    page = series.fetch(Window(first, last + 1, (last + 1,)))
    assert page.covered == ((first, last + 1),)
    return page.rows.to_pylist()


def check_rates(client, symbol, rows):
    found = rates(client, symbol, rows)
    assert [(row["symbol"], row["funding_time"], row["funding_rate"]) for row in found] == [
        (symbol, to_the_second(row["fundingTime"]), Decimal(row["fundingRate"])) for row in rows
    ]
    return found


def test_funding_rates_as_rest_gave_them(recordings, play):
    rows = json.loads((recordings / "funding" / "rest_json" / "fapi_fundingRate_BTCUSDT_100.json").read_text())
    found = check_rates(play(rows), "BTCUSDT", rows)
    assert len(found) == 100
    # Without a mark price, as it was in 2020.
    assert {row["mark_price"] for row in found} == {None}
    assert {row["funding_time"].microsecond for row in found} == {0}


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT", "ALICEUSDT", "1000BONKUSDT"])
def test_funding_rates_of_symbols_with_other_intervals(recordings, play, symbol):
    with (recordings / "funding" / "um_symbols_2026" / f"{symbol}.csv").open() as file:
        rows = [
            {"symbol": row["symbol"], "fundingTime": int(row["timestamp"]), "fundingRate": row["funding_rate"]}
            for row in csv.DictReader(file)
        ]
    assert len(check_rates(play(rows), symbol, rows)) == 200


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ALICEUSDT"])
def test_open_interest(recordings, play, symbol):
    with (recordings / "open_interest" / "um_4h_2026" / f"{symbol}.csv").open() as file:
        lines = list(csv.DictReader(file))
    answer = [
        {
            "symbol": line["symbol"],
            "sumOpenInterest": line["sum_open_interest"],
            "sumOpenInterestValue": line["sum_open_interest_value"],
            # It has come as a text, too.
            "timestamp": line["timestamp"] if number % 2 else int(line["timestamp"]),
        }
        for number, line in enumerate(lines)
    ]
    first, last = int(lines[0]["timestamp"]), int(lines[-1]["timestamp"])
    series = OpenInterestSeries(play(answer), f"um|{symbol}|4h", (first, last + 1), [], FAR)
    found = series.fetch(Window(first, last + 1, (last + 1,))).rows.to_pylist()
    assert len(found) == 168
    assert [
        (row["symbol"], row["period"], row["open_interest_time"], row["open_interest"], row["open_interest_value"])
        for row in found
    ] == [
        (
            symbol,
            "4h",
            utc(int(line["timestamp"])),
            Decimal(line["sum_open_interest"]),
            Decimal(line["sum_open_interest_value"]),
        )
        for line in lines
    ]


def test_premium_index_of_all_symbols(routes, play):
    answer = next(one["data"] for one in routes["/fapi/v1/premiumIndex"] if isinstance(one["data"], list))
    names = [row["symbol"] for row in answer]
    found = all_rows(premium_index_snapshot(fetch_premium_index(play(answer), names, Tally()), 10**15))
    assert [
        (row["symbol"], row["mark_price"], row["index_price"], row["last_funding_rate"], row["next_funding_time"])
        for row in found
    ] == [
        (
            row["symbol"],
            Decimal(row["markPrice"]),
            Decimal(row["indexPrice"]),
            Decimal(row["lastFundingRate"]) if row["lastFundingRate"] else None,
            utc(row["nextFundingTime"]) if row["nextFundingTime"] else None,
        )
        for row in answer
    ]
    assert len(found) == 5


def test_exchange_info_with_delivery_and_pending_contracts(recordings, play):
    with gzip.open(recordings / "exchange_info" / "um_exchangeInfo_2021-07-22.json.gz") as file:
        answer = json.load(file)
    info = fetch_exchange_info(play(answer))
    assert info.weight_limit == 2400
    found = {row["symbol"]: row for row in all_rows(symbols_snapshot("um", info, 10**15))}
    assert found.keys() == {row["symbol"] for row in answer["symbols"]}
    for row in answer["symbols"]:
        rules = {rule["filterType"]: rule for rule in row["filters"]}
        one = found[row["symbol"]]
        assert (one["base_asset"], one["quote_asset"], one["margin_asset"], one["pair"], one["contract_type"]) == (
            row["baseAsset"],
            row["quoteAsset"],
            row["marginAsset"],
            row["pair"],
            row["contractType"],
        )
        assert one["tick_size"] == Decimal(rules["PRICE_FILTER"]["tickSize"])
        assert one["step_size"] == Decimal(rules["LOT_SIZE"]["stepSize"])
        assert one["min_notional"] == Decimal(rules["MIN_NOTIONAL"]["notional"])
        assert one["onboard_time"] == utc(row["onboardDate"])
        assert one["delivery_time"] == (None if row["deliveryDate"] == NEVER else utc(row["deliveryDate"]))
    assert found["BTCUSDT_210924"]["contract_type"] == "CURRENT_QUARTER"
    assert found["BTCUSDT_210924"]["delivery_time"] == datetime(2021, 9, 24, 8, tzinfo=timezone.utc)
    assert (found["BTCSTUSDT"]["contract_type"], found["BTCSTUSDT"]["status"]) == ("", "PENDING_TRADING")


def test_tickers_without_bid_and_ask(recordings, play):
    with gzip.open(recordings / "ticker_24hr" / "um_ticker_24hr_2024-01-14_all.json.gz") as file:
        answer = json.load(file)
    names = [row["symbol"] for row in answer]
    found = all_rows(tickers_snapshot("um", fetch_tickers(play(answer), names, Tally()), 10**15))
    assert len(found) == 257
    assert [
        (row["symbol"], row["last_price"], row["quote_volume"], row["last_id"], row["bid_price"]) for row in found
    ] == [
        (row["symbol"], Decimal(row["lastPrice"]), Decimal(row["quoteVolume"]), row["lastId"], None) for row in answer
    ]
