"""What exchangeInfo said, and from when on: a row for each change, and none without one."""

import json
from datetime import datetime, timezone
from decimal import Decimal

import pytest

from binance_source.markets import MARKETS
from binance_source.rest.exchange_info_history import changes
from binance_source.rest.symbols import fetch_exchange_info

NOON = datetime(2025, 2, 11, 12, tzinfo=timezone.utc)
NOON_US = 1_739_275_200_000_000
PRICES = {"filterType": "PRICE_FILTER", "tickSize": "0.01000000", "minPrice": "0.01", "maxPrice": "1000000.5"}
LOTS = {"filterType": "LOT_SIZE", "stepSize": "0.00001", "minQty": "0.00002", "maxQty": "9000"}
NOTIONAL = {"filterType": "NOTIONAL", "minNotional": "5.00"}


def symbol(name="BTCUSDT", **fields):
    return {
        "symbol": name, "status": "TRADING", "baseAsset": name[:3], "quoteAsset": "USDT", "baseAssetPrecision": 8,
        "quoteAssetPrecision": 8, "orderTypes": ["LIMIT", "MARKET"], "permissionSets": [["SPOT", "MARGIN"]],
        "filters": [PRICES, LOTS, NOTIONAL], "isSpotTradingAllowed": True, "isMarginTradingAllowed": False, **fields,
    }  # fmt: skip


class Answers:
    """A client that is answered with these symbols."""

    def __init__(self, market, rows):
        self.market, self._rows = MARKETS[market], rows

    def get(self, _endpoint, _params, decode):
        return decode(json.dumps({"rateLimits": [], "symbols": self._rows}).encode())


class History:
    """Asks again and again, an hour apart, and remembers as a pipeline does."""

    def __init__(self, market="spot"):
        self.market, self.seen, self.asked = market, {}, 0

    def __call__(self, *rows):
        info = fetch_exchange_info(Answers(self.market, rows))
        now = NOON_US + self.asked * 3_600_000_000
        self.asked += 1
        # As text and back, as a pipeline's state is kept.
        self.seen = json.loads(json.dumps(self.seen))
        return changes(self.market, info, self.seen, now).to_pylist()


@pytest.fixture
def history():
    return History()


def named(rows):
    return [(row["symbol"], row["is_listed"]) for row in rows]


def test_at_first_every_symbol_is_a_row_with_what_is_said_of_it(history):
    rows = history(symbol(), symbol("ETHUSDT", status="BREAK"))
    assert named(rows) == [("BTCUSDT", True), ("ETHUSDT", True)]
    first = {
        name: value for name, value in rows[0].items() if name not in ("order_types", "permission_sets", "filters")
    }
    assert first == {
        "market": "spot", "symbol": "BTCUSDT", "first_seen_at": NOON, "is_listed": True, "status": "TRADING",
        "base_asset": "BTC", "quote_asset": "USDT", "contract_type": None, "tick_size": Decimal("0.01"),
        "min_price": Decimal("0.01"), "max_price": Decimal("1000000.5"), "step_size": Decimal("0.00001"),
        "min_quantity": Decimal("0.00002"), "max_quantity": 9000, "min_notional": 5, "is_spot_trading_allowed": True,
        "is_margin_trading_allowed": False,
    }  # fmt: skip
    assert json.loads(rows[0]["order_types"]) == ["LIMIT", "MARKET"]
    assert json.loads(rows[0]["permission_sets"]) == [["SPOT", "MARGIN"]]
    assert json.loads(rows[0]["filters"]) == [PRICES, LOTS, NOTIONAL]
    assert rows[1]["status"] == "BREAK"


def test_without_a_change_there_is_no_row(history):
    history(symbol(), symbol("ETHUSDT"))
    assert history(symbol("ETHUSDT"), symbol()) == []
    assert history(symbol("ETHUSDT", new="unknown"), symbol(baseAssetPrecision=7)) == []


@pytest.mark.parametrize(
    ("fields", "column", "value"),
    [
        ({"status": "HALT"}, "status", "HALT"),
        ({"filters": [{**PRICES, "tickSize": "0.1"}, LOTS, NOTIONAL]}, "tick_size", Decimal("0.1")),
        ({"filters": [PRICES, LOTS]}, "min_notional", None),
        ({"filters": [PRICES, LOTS, NOTIONAL, {"filterType": "NEW", "limit": 7}]}, "min_notional", 5),
        ({"isMarginTradingAllowed": True}, "is_margin_trading_allowed", True),
        ({"orderTypes": ["LIMIT"]}, "order_types", '["LIMIT"]'),
        ({"permissionSets": []}, "permission_sets", "[]"),
    ],
)
def test_a_change_is_one_row_of_its_symbol_from_when_it_was_seen(history, fields, column, value):
    history(symbol(), symbol("ETHUSDT"))
    [row] = history(symbol(**fields), symbol("ETHUSDT"))
    assert (row["symbol"], row["is_listed"], row[column]) == ("BTCUSDT", True, value)
    assert row["first_seen_at"] == datetime(2025, 2, 11, 13, tzinfo=timezone.utc)
    assert history(symbol(**fields), symbol("ETHUSDT")) == []
    # Back to what it was is a change, too.
    [row] = history(symbol(), symbol("ETHUSDT"))
    assert (row["status"], row["tick_size"], row["min_notional"]) == ("TRADING", Decimal("0.01"), 5)


def test_a_symbol_that_is_gone_is_one_row_of_nulls_and_back_again_a_row_like_the_first_one(history):
    [first, _] = history(symbol(), symbol("ETHUSDT"))
    [gone] = history(symbol("ETHUSDT"))
    key = ("market", "symbol", "first_seen_at", "is_listed")
    assert [gone[name] for name in key] == ["spot", "BTCUSDT", datetime(2025, 2, 11, 13, tzinfo=timezone.utc), False]
    assert {value for name, value in gone.items() if name not in key} == {None}
    assert history(symbol("ETHUSDT")) == []
    [back] = history(symbol("ETHUSDT"), symbol())
    assert back == {**first, "first_seen_at": datetime(2025, 2, 11, 15, tzinfo=timezone.utc)}
    assert named(history(symbol("ETHUSDT"))) == [("BTCUSDT", False)]


@pytest.mark.parametrize(
    "odd",
    [[{"symbol": "BTCUSDT"}], [symbol(status=5)], [symbol(), symbol(status="HALT")]],
    ids=["it lacks fields", "another type", "two that differ"],
)
def test_a_row_that_cannot_be_read_changes_nothing_and_is_not_gone(history, odd):
    history(symbol(), symbol("ETHUSDT"))
    before = dict(history.seen)
    assert history(*odd, symbol("ETHUSDT")) == []
    assert history.seen == before
    assert history(symbol(), symbol("ETHUSDT")) == []


def test_markets_do_not_see_each_other():
    history = History()
    history(symbol(), symbol("ETHUSDT"))
    history.market = "um"
    contract = {
        **symbol(), "pair": "BTCUSDT", "marginAsset": "USDT", "quotePrecision": 8, "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000, "onboardDate": 1569398400000,
        "filters": [{"filterType": "MIN_NOTIONAL", "notional": "100"}],
    }  # fmt: skip
    [row] = history(contract)
    assert (row["market"], row["contract_type"], row["min_notional"]) == ("um", "PERPETUAL", 100)
    history.market = "spot"
    assert history(symbol(), symbol("ETHUSDT")) == []


def test_a_number_that_does_not_fit_changes_nothing_that_is_remembered(history):
    fine = {**PRICES, "tickSize": "0.0000000001"}
    assert named(history(symbol())) == [("BTCUSDT", True)]
    assert history(symbol(filters=[fine, LOTS, NOTIONAL])) == []
    assert history(symbol()) == []
    coarse = {**PRICES, "tickSize": "0.10000000"}
    assert [row["tick_size"] for row in history(symbol(filters=[coarse, LOTS, NOTIONAL]))] == [Decimal("0.1")]


def test_a_symbol_is_not_gone_while_a_row_has_no_name(history):
    history(symbol(), symbol("ETHUSDT"))
    assert history(symbol(), symbol("")) == []
    assert named(history(symbol())) == [("ETHUSDT", False)]
