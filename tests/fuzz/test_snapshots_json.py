"""Tickers and exchangeInfo: rows that equal the document, and every other named one with what is wrong with it."""

import json

from documents import Written, bodies, booleans, decimal_texts, dumps, ids
from hypothesis import example, given
from hypothesis import strategies as st
from readings import boolean, decimal, from_json, from_ms, integer, or_none, rows_of, text
from rowwise import check_list, with_one_odd

from binance_source.rest.symbols import fetch_exchange_info, symbols_snapshot
from binance_source.rest.tickers import fetch_tickers, tickers_snapshot
from exchange_engine.http.errors import SourceError
from exchange_engine.http.transport import Tally

NOW = 1_700_000_000_000_000
NAMES = ("BTCUSDT", "ETHUSDT")

TICKER_FIELDS = {
    "symbol": ("symbol", text), "price_change": ("priceChange", decimal),
    "price_change_percent": ("priceChangePercent", decimal), "weighted_avg_price": ("weightedAvgPrice", decimal),
    "prev_close_price": ("prevClosePrice", decimal), "last_price": ("lastPrice", decimal),
    "last_qty": ("lastQty", decimal),
    "bid_price": ("bidPrice", decimal), "bid_qty": ("bidQty", decimal), "ask_price": ("askPrice", decimal),
    "ask_qty": ("askQty", decimal), "open_price": ("openPrice", decimal), "high_price": ("highPrice", decimal),
    "low_price": ("lowPrice", decimal), "volume": ("volume", decimal), "quote_volume": ("quoteVolume", decimal),
    "open_time": ("openTime", from_ms), "close_time": ("closeTime", from_ms), "first_id": ("firstId", integer),
    "last_id": ("lastId", integer), "count": ("count", integer),
}  # fmt: skip
SYMBOL_FIELDS = {
    "symbol": ("symbol", text), "status": ("status", text), "base_asset": ("baseAsset", text),
    "quote_asset": ("quoteAsset", text), "base_asset_precision": ("baseAssetPrecision", integer),
    "quote_asset_precision": ("quoteAssetPrecision", integer),
    "is_spot_trading_allowed": ("isSpotTradingAllowed", boolean),
    "is_margin_trading_allowed": ("isMarginTradingAllowed", boolean),
}  # fmt: skip
FILTER_FIELDS = {
    "tick_size": ("PRICE_FILTER", "tickSize"), "min_price": ("PRICE_FILTER", "minPrice"),
    "max_price": ("PRICE_FILTER", "maxPrice"), "step_size": ("LOT_SIZE", "stepSize"),
    "min_quantity": ("LOT_SIZE", "minQty"), "max_quantity": ("LOT_SIZE", "maxQty"),
}  # fmt: skip
VALUES = {
    decimal: decimal_texts(),
    integer: ids,
    from_ms: st.integers(0, 10**13 - 1),
    boolean: booleans,
    text: st.text(),
}


def documents(fields, name):
    return st.fixed_dictionaries({theirs: VALUES[of] for theirs, of in fields.values()} | {"symbol": st.just(name)})


tickers = st.tuples(*(documents(TICKER_FIELDS, name) for name in (*NAMES, "XRPUSDT"))).map(list)


def ticker(name, **fields):
    values = {decimal: "1.5", integer: 7, from_ms: NOW // 1_000, text: name}
    return {**{theirs: values[of] for theirs, of in TICKER_FIELDS.values()}, **fields}


def load_tickers(exchange, body):
    return tickers_snapshot("spot", fetch_tickers(exchange.play(body), NAMES, Tally()), NOW)


def read_ticker(row):
    labels = {"market": "spot", "snapshot_time": NOW}
    # A number that the exchange leaves empty is null.
    read = {decimal: or_none(decimal)}
    return {
        **labels,
        **{ours: read.get(of, of)(text_of(row, theirs, of)) for ours, (theirs, of) in TICKER_FIELDS.items()},
    }


def text_of(row, field, of):
    """A value; those of numbers have to come as texts."""
    return text(row[field]) if of is decimal else row[field]


@given(tickers)
def test_valid_tickers_are_the_rows_that_they_say(exchange, rows):
    snapshot = load_tickers(exchange, dumps(rows))
    assert rows_of(snapshot.rows) == [read_ticker(row) for row in rows if row["symbol"] in NAMES]
    assert (snapshot.rejected, snapshot.unnamed) == ([], 0)


@given(with_one_odd(tickers))
def test_an_odd_ticker_does_not_take_the_others_with_it(exchange, made):
    others, rows = made
    found = rows_of(load_tickers(exchange, dumps(rows)).rows)
    assert all(read_ticker(row) in found for row in others if row["symbol"] in NAMES)


@given(bodies(tickers))
@example(dumps([ticker("BTCUSDT"), ticker("BTCUSDT", count=8)]))
@example(dumps([ticker("BTCUSDT", lastPrice="\u0661")]))
@example(dumps([ticker("BTCUSDT", count=2**64)]))
@example(dumps([ticker("BTCUSDT", openTime=-(2**70))]))
@example(dumps([ticker("BTCUSDT"), ticker("BTCUSDT"), ticker("ETHUSDT", bidPrice="")]))
@example(dumps([ticker("BTCUSDT", lastPrice="1e-9"), ticker("XRPUSDT", lastPrice="1e-9"), ticker("")]))
def test_any_tickers_are_the_rows_that_they_say_or_named(exchange, body):
    try:
        snapshot = load_tickers(exchange, body)
    except SourceError:
        return
    check_list(snapshot, rows_of(snapshot.rows), from_json(body), "symbol", "symbol", read_ticker, NAMES)


def numbers(*names):
    return st.fixed_dictionaries({name: decimal_texts() for name in names})


@st.composite
def symbols(draw):
    texts = st.lists(st.text(max_size=6), max_size=2)
    return [
        {
            **draw(documents(SYMBOL_FIELDS, name)),
            "orderTypes": draw(texts),
            "permissionSets": draw(st.lists(texts, max_size=2)),
            "filters": [
                {"filterType": "PRICE_FILTER", **draw(numbers("tickSize", "minPrice", "maxPrice"))},
                {"filterType": "LOT_SIZE", **draw(numbers("stepSize", "minQty", "maxQty"))},
                {"filterType": draw(st.sampled_from(["NOTIONAL", "MIN_NOTIONAL"])), **draw(numbers("minNotional"))},
                {"filterType": "TRAILING_DELTA", "minTrailingAboveDelta": draw(ids), "new": [1.5, {}, None]},
            ],
        }
        for name in NAMES
    ]  # fmt: skip


odd_numbers = (
    decimal_texts()
    | st.sampled_from([None, True, [], {}, 5, "1e-8", "\u0661", "", "NaN", 2**70])
    | st.sampled_from(["0.1234567890123456789", "1E-8", "1e400", "12345678901234567890.12345678"]).map(Written)
)


@st.composite
def damaged_filters(draw):
    """Symbols of which a filter has another value, is none, or is there twice."""
    made = draw(symbols())
    at = draw(st.integers(0, 3))
    rule = made[0]["filters"][at]
    field = draw(st.sampled_from(sorted(set(rule) - {"filterType"})))
    made[0]["filters"][at : at + draw(st.integers(0, 1))] = [{**rule, field: draw(odd_numbers)}]
    return made


def info_of(rows, limit=6_000):
    limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": limit}]
    return {"timezone": "UTC", "rateLimits": limits, "symbols": rows}


def load_symbols(exchange, body):
    info = fetch_exchange_info(exchange.play(body))
    snapshot = symbols_snapshot("spot", info, NOW)
    rows = rows_of(snapshot.rows)
    for row in rows:
        row.update({name: json.loads(row[name]) for name in ("order_types", "permission_sets")})
    return snapshot, rows, info


def read_symbol(symbol):
    kinds = [rule.get("filterType") for rule in symbol["filters"]]
    assert len(set(kinds)) == len(kinds)
    by_kind = dict(zip(kinds, symbol["filters"], strict=True))
    notional = by_kind.get("NOTIONAL", by_kind.get("MIN_NOTIONAL", {})).get("minNotional")
    numbers = {ours: by_kind.get(kind, {}).get(theirs) for ours, (kind, theirs) in FILTER_FIELDS.items()}
    return {
        "market": "spot",
        "updated_at": NOW,
        **{ours: of(symbol[theirs]) for ours, (theirs, of) in SYMBOL_FIELDS.items()},
        **{name: or_none(decimal)(value) for name, value in {**numbers, "min_notional": notional}.items()},
        "order_types": symbol["orderTypes"],
        "permission_sets": symbol.get("permissionSets", []),
        **dict.fromkeys(("contract_type", "pair", "margin_asset", "onboard_time", "delivery_time")),
    }


def read_weight_limit(document):
    limits = [
        integer(rule["limit"])
        for rule in document["rateLimits"]
        if (rule["rateLimitType"], rule["interval"], rule["intervalNum"]) == ("REQUEST_WEIGHT", "MINUTE", 1)
    ]
    return limits[0] if limits else None


@given(symbols())
def test_valid_symbols_are_the_rows_that_they_say(exchange, rows):
    snapshot, found, info = load_symbols(exchange, dumps(info_of(rows)))
    assert (found, info.weight_limit) == ([read_symbol(row) for row in rows], 6_000)
    assert (snapshot.rejected, snapshot.unnamed) == ([], 0)


@given(with_one_odd(symbols()))
def test_an_odd_symbol_does_not_take_the_others_with_it(exchange, made):
    others, rows = made
    _, found, _ = load_symbols(exchange, dumps(info_of(rows)))
    assert all(read_symbol(row) in found for row in others)


def with_filters(*filters, name="BTCUSDT"):
    values = {integer: 8, boolean: True, text: "X"}
    symbol = {theirs: values[of] for theirs, of in SYMBOL_FIELDS.values()}
    return {**symbol, "symbol": name, "orderTypes": [], "permissionSets": [], "filters": list(filters)}


PRICES = {"filterType": "PRICE_FILTER", "tickSize": "0.01"}


@given(
    bodies(symbols()).map(lambda rows: dumps(info_of([])).replace(b'"symbols": []', b'"symbols": ' + rows))
    | damaged_filters().map(info_of).map(dumps)
)
@example(dumps(info_of([with_filters({**PRICES, "tickSize": Written("0.1234567890123456789")})])))
@example(dumps(info_of([with_filters({**PRICES, "tickSize": Written("12345678901234567890.12345678")})])))
@example(dumps(info_of([with_filters({**PRICES, "tickSize": 2**80})])))
@example(dumps(info_of([with_filters(PRICES, {**PRICES, "tickSize": "0.1"})])))
@example(dumps(info_of([with_filters(PRICES), with_filters(PRICES)])))
@example(dumps(info_of([], limit=10**400)))
@example(dumps(info_of([with_filters({"new": Written("[" * 100_000 + "]" * 100_000)})])))
@example(dumps(info_of([with_filters({**PRICES, "tickSize": ""}), with_filters(PRICES, name="")])))
def test_any_symbols_are_the_rows_that_they_say_or_named(exchange, body):
    try:
        snapshot, found, info = load_symbols(exchange, body)
    except SourceError:
        return
    document = from_json(body)
    check_list(snapshot, found, document["symbols"], "symbol", "symbol", read_symbol)
    assert info.weight_limit == read_weight_limit(document)
    # Whatever else is wrong with it, it is known to be listed.
    assert {*info.assets} == {row["symbol"] for row in found} | {one.key for one in snapshot.rejected}
