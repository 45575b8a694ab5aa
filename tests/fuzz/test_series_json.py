"""Klines, aggTrades and trades of REST: rows that equal the document, or a named error."""

import pytest
from documents import LITERALS, ODD_VALUES, Written, bodies, booleans, decimal_texts, dumps, ids
from hypothesis import example, given
from hypothesis import strategies as st
from readings import boolean, decimal, from_json, from_ms, integer, rows_of, without_copies

from binance_source.rest.agg_trades import AggTradeSeries
from binance_source.rest.klines import KlineSeries
from binance_source.rest.trades import TradeSeries
from exchange_engine.http.errors import InexactNumberError, SourceError
from exchange_engine.walk import Window

SYMBOL = "BTCUSDT"
MINUTE = 60_000
START = 28_333_440 * MINUTE  # 2023-11-15
ROWS = 3
PERIOD_US = (1_600_000_000_000_000, 1_800_000_000_000_000)
LABELS = {"market": "spot", "symbol": SYMBOL, "source": "rest"}

KLINE_FIELDS = {
    "open_time": (0, from_ms), "open": (1, decimal), "high": (2, decimal), "low": (3, decimal), "close": (4, decimal),
    "volume": (5, decimal), "close_time": (6, from_ms), "quote_volume": (7, decimal), "trade_count": (8, integer),
    "taker_buy_volume": (9, decimal), "taker_buy_quote_volume": (10, decimal),
}  # fmt: skip
AGG_TRADE_FIELDS = {
    "agg_trade_id": ("a", integer), "price": ("p", decimal), "quantity": ("q", decimal),
    "first_trade_id": ("f", integer), "last_trade_id": ("l", integer),
    "trade_time": ("T", integer), "is_buyer_maker": ("m", boolean),
}  # fmt: skip
TRADE_FIELDS = {
    "trade_id": ("id", integer), "price": ("price", decimal), "quantity": ("qty", decimal),
    "quote_quantity": ("quoteQty", decimal), "trade_time": ("time", integer),
    "is_buyer_maker": ("isBuyerMaker", boolean),
}  # fmt: skip


def read(rows, fields, **labels):
    return without_copies(
        [{**LABELS, **labels, **{name: of(row[at]) for name, (at, of) in fields.items()}} for row in rows]
    )


def kline(at, texts=("1", "3", "1", "2", "10", "20", "4", "8"), count=5, closed=None):
    opened = START + at * MINUTE
    return [opened, *texts[:5], opened + MINUTE - 1 if closed is None else closed, texts[5], count, *texts[6:], "0"]


@st.composite
def klines(draw):
    texts = st.lists(decimal_texts(), min_size=8, max_size=8)
    return [kline(at, draw(texts), draw(ids)) for at in range(ROWS)]


def load_klines(exchange, body):
    wanted = (START, START + ROWS * MINUTE)
    series = KlineSeries(exchange.play(body), "spot", SYMBOL, "1m", wanted, [], START + 1_000 * MINUTE)
    return [row for page in series.open() for row in rows_of(page.rows)]


def agg_trade(number, **fields):
    row = {
        "a": number,
        "p": "1.5",
        "q": "2",
        "f": 10,
        "l": 11,
        "T": PERIOD_US[0] + number % 1_000,
        "m": True,
        "M": True,
    }
    return {**row, **fields}


def trade(number, **fields):
    row = {"id": number, "price": "1.5", "qty": "2", "quoteQty": "3", "time": PERIOD_US[0], "isBuyerMaker": False}
    return {**row, **fields, "isBestMatch": True}


FIRST = 7
times = st.integers(*PERIOD_US)


@st.composite
def agg_trades(draw):
    return [
        agg_trade(
            FIRST + at, p=draw(decimal_texts()), q=draw(decimal_texts()), f=draw(ids | st.just(-1)), l=draw(ids),
            T=draw(times), m=draw(booleans),
        )
        for at in range(ROWS)
    ]  # fmt: skip


@st.composite
def trades(draw):
    return [
        trade(
            FIRST + at, price=draw(decimal_texts()), qty=draw(decimal_texts()), quoteQty=draw(decimal_texts()),
            time=draw(times), isBuyerMaker=draw(booleans),
        )
        for at in range(ROWS)
    ]  # fmt: skip


def load_ids(kind, exchange, body):
    series = kind(exchange.play(body), "spot", SYMBOL, PERIOD_US, [], to_now=False)
    return rows_of(series.fetch(Window(FIRST, FIRST + ROWS, (None, None))).rows)


def read_ids(rows, fields):
    """The rows of the window; those without trades, whose first id is negative, stand for nothing."""
    place, _ = fields.get("first_trade_id", (None, None))
    standing = [row for row in rows if place is None or row[place] >= 0]
    key = next(iter(fields))
    return [row for row in read(standing, fields) if row[key] < FIRST + ROWS]


@given(klines())
def test_valid_klines_are_the_rows_that_they_say(exchange, rows):
    assert load_klines(exchange, dumps(rows)) == read(rows, KLINE_FIELDS, interval="1m")


@given(agg_trades())
def test_valid_agg_trades_are_the_rows_that_they_say(exchange, rows):
    assert load_ids(AggTradeSeries, exchange, dumps(rows)) == read_ids(rows, AGG_TRADE_FIELDS)


@given(trades())
def test_valid_trades_are_the_rows_that_they_say(exchange, rows):
    assert load_ids(TradeSeries, exchange, dumps(rows)) == read_ids(rows, TRADE_FIELDS)


def with_text(value):
    return dumps([kline(0, (value, "3", "1", "2", "10", "20", "4", "8")), kline(1), kline(2)])


@given(bodies(klines()))
@example(with_text("1e-8"))
@example(with_text("\u0661"))  # a digit, but not the exchange's
@example(dumps([kline(0, count=2**63), kline(1), kline(2)]))
@example(dumps([kline(0, closed=10**30), kline(1), kline(2)]))
@example(dumps([kline(0, closed=-(10**30)), kline(1), kline(2)]))
@example(b'[[1,"\xff"]]')
@example(dumps([kline(0), kline(0), kline(1), kline(2)]))
@example(dumps([kline(0), kline(0, count=6), kline(1), kline(2)]))
@example(dumps([[*kline(0), "new"], kline(1), [*kline(2), None, [1]]]))
@example(dumps([kline(0)[:-1], [*kline(1), "new"], kline(2)]))
def test_any_klines_are_the_rows_that_they_say_or_a_named_error(exchange, body):
    try:
        found = load_klines(exchange, body)
    except SourceError:
        return
    assert found == read(from_json(body), KLINE_FIELDS, interval="1m")


@pytest.mark.parametrize("field", [0, 1, 5, 6, 8], ids=["open_time", "open", "volume", "close_time", "trade_count"])
def test_each_odd_value_of_a_kline_is_what_it_says_or_a_named_error(exchange, field):
    for value in (*ODD_VALUES, *map(Written, LITERALS)):
        rows = [kline(0), kline(1), kline(2)]
        rows[0][field] = value
        body = dumps(rows)
        try:
            found = load_klines(exchange, body)
        except SourceError:
            continue
        assert found == read(from_json(body), KLINE_FIELDS, interval="1m")


@given(bodies(agg_trades()))
@example(dumps([agg_trade(7, l=2**63), agg_trade(8), agg_trade(9)]))
@example(dumps([agg_trade(7, T=2**63), agg_trade(8), agg_trade(9)]))
@example(dumps([agg_trade(7, T=PERIOD_US[0] // 1_000), agg_trade(8), agg_trade(9)]))  # not in the unit asked for
@example(dumps([agg_trade(7, p="\u0661"), agg_trade(8), agg_trade(9)]))
@example(b'[{"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}]")
@example(b'[{"a":1,"p":"\xff"}]')
@example(dumps([agg_trade(7), agg_trade(9)]))
@example(dumps([agg_trade(7), agg_trade(8), agg_trade(9, f=-1, l=0, q="0 0.1")]))  # of no trade: never looked at
def test_any_agg_trades_are_the_rows_that_they_say_or_a_named_error(exchange, body):
    try:
        found = load_ids(AggTradeSeries, exchange, body)
    except SourceError:
        return
    assert found == read_ids(from_json(body), AGG_TRADE_FIELDS)
    assert all(row["trade_time"] > PERIOD_US[0] // 100 for row in found)


@given(bodies(trades()))
@example(dumps([trade(7, time=PERIOD_US[0] // 1_000), trade(8), trade(9)]))
@example(dumps([trade(7, time=-(2**63) - 1), trade(8), trade(9)]))
@example(dumps([trade(7), trade(7), trade(8), trade(9)]))
@example(dumps([trade(7), trade(7, qty="2.0"), trade(8), trade(9)]))
def test_any_trades_are_the_rows_that_they_say_or_a_named_error(exchange, body):
    try:
        found = load_ids(TradeSeries, exchange, body)
    except SourceError:
        return
    assert found == read_ids(from_json(body), TRADE_FIELDS)
    assert all(row["trade_time"] > PERIOD_US[0] // 100 for row in found)


def test_copies_are_one_row_and_new_columns_are_ignored(exchange):
    plain = read([kline(0), kline(1), kline(2)], KLINE_FIELDS, interval="1m")
    assert load_klines(exchange, dumps([[*kline(0), "new"], [*kline(0), 5], kline(1), kline(1), kline(2)])) == plain
    for kind, row, fields in ((AggTradeSeries, agg_trade, AGG_TRADE_FIELDS), (TradeSeries, trade, TRADE_FIELDS)):
        body = dumps([row(7), row(7), row(8), row(9), row(9), row(9)])
        assert load_ids(kind, exchange, body) == read_ids([row(7), row(8), row(9)], fields)


@pytest.mark.parametrize(
    "rows",
    [
        [kline(0), kline(0, count=6), kline(1), kline(2)],
        [kline(0), kline(1), kline(0), kline(2)],
        [kline(0), kline(1)[:11], kline(2)],
        [kline(0), [*kline(1), "new"], kline(2)[:11]],
    ],
    ids=["different copies", "copies apart", "fewer columns", "fewer and more columns"],
)
def test_klines_that_contradict_each_other_or_lack_columns_are_refused(exchange, rows):
    with pytest.raises(SourceError):
        load_klines(exchange, dumps(rows))


@pytest.mark.parametrize("value", ["1e2", "+100", "100.", "1E+2", "0100", "1000000e-4"])
def test_a_number_in_another_notation_is_taken_for_exactly_what_it_says(exchange, value):
    [first, *_] = load_klines(exchange, with_text(value))
    assert first["open"] == 100


@pytest.mark.parametrize(
    "value", ["1e-77", "1.5E-100", "1." + "0" * 47 + "1", "2.77935276850938637548059664274963158624222722176"]
)
def test_numbers_that_arrow_takes_for_others_are_refused(exchange, value):
    with pytest.raises(InexactNumberError, match="open"):
        load_klines(exchange, with_text(value))
