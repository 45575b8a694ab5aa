"""Balances and trades of an account: rows that equal the document, or a named error."""

import threading

import pytest
from documents import LITERALS, ODD_VALUES, Written, bodies, booleans, decimal_texts, dumps, ids
from hypothesis import example, given
from hypothesis import strategies as st
from played import Played, configuration
from readings import boolean, decimal, from_json, integer, rows_of, text, without_copies
from rowwise import check_list, with_one_odd

from binance_source.rest.account_balances import balances_snapshot, fetch_account
from binance_source.rest.account_trades import AccountTradeSeries
from binance_source.rest.signed import SignedClient
from binance_source.rest.signing import Signer
from exchange_engine.http.errors import SourceError

NOW = 1_700_000_000_000_000
SYMBOL = "BNBBTC"
ROWS = 3
BALANCE_FIELDS = {"asset": ("asset", text), "free": ("free", decimal), "locked": ("locked", decimal)}
TRADE_FIELDS = {
    "symbol": ("symbol", text), "trade_id": ("id", integer), "order_id": ("orderId", integer),
    "price": ("price", decimal), "quantity": ("qty", decimal), "quote_quantity": ("quoteQty", decimal),
    "commission": ("commission", decimal), "commission_asset": ("commissionAsset", text),
    "trade_time": ("time", integer), "is_buyer": ("isBuyer", boolean), "is_maker": ("isMaker", boolean),
}  # fmt: skip


@pytest.fixture(scope="session")
def account():
    """A signed client whose every answer is the one that was played last."""
    client = SignedClient(configuration(), Signer("key", "secret"), threading.Event())
    client.budget.set_limit(10**12)
    answers = Played()
    client._session.mount("https://", answers)

    def play(body):
        answers.play(body)
        return client

    yield play
    client.close()


def balance(asset, **fields):
    return {"asset": asset, "free": "1.5", "locked": "0.00000000", **fields}


balances = st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=4, unique=True).flatmap(
    lambda names: st.tuples(
        *(
            st.fixed_dictionaries({"asset": st.just(name), "free": decimal_texts(), "locked": decimal_texts()})
            for name in names
        )
    ).map(list)
)


def account_of(rows, **fields):
    return {"makerCommission": 15, "accountType": "SPOT", "balances": rows, "uid": 7, **fields}


def load_balances(play, body):
    return balances_snapshot(fetch_account(play(body)), NOW)


def read_balance(row):
    return {"snapshot_time": NOW, **{ours: of(row[theirs]) for ours, (theirs, of) in BALANCE_FIELDS.items()}}


@given(balances)
def test_valid_balances_are_the_rows_that_they_say(account, rows):
    snapshot = load_balances(account, dumps(account_of(rows)))
    assert rows_of(snapshot.rows) == [read_balance(row) for row in rows]
    assert (snapshot.rejected, snapshot.unnamed) == ([], 0)


@given(with_one_odd(balances))
def test_an_odd_balance_does_not_take_the_others_with_it(account, made):
    others, rows = made
    found = rows_of(load_balances(account, dumps(account_of(rows))).rows)
    assert all(read_balance(row) in found for row in others)


@given(bodies(balances).map(lambda rows: dumps(account_of([])).replace(b'"balances": []', b'"balances": ' + rows)))
@example(dumps(account_of([balance("BTC"), balance("BTC", free="2")])))
@example(dumps(account_of([balance("BTC", free="0.000000001")])))
@example(dumps(account_of([balance("BTC", locked=Written("1.5"))])))
@example(dumps(account_of([balance("BTC")], uid=2**70)))
@example(dumps(account_of([balance("BTC")], uid="7")))
@example(dumps({"uid": 1}))
@example(b"[]")
def test_any_balances_are_the_rows_that_they_say_or_named(account, body):
    try:
        snapshot = load_balances(account, body)
    except SourceError:
        return
    check_list(snapshot, rows_of(snapshot.rows), from_json(body)["balances"], "asset", "asset", read_balance)


def trade(number, **fields):
    values = {
        "symbol": SYMBOL, "id": number, "orderId": 5, "orderListId": -1, "price": "4.5", "qty": "12", "quoteQty": "54",
        "commission": "0.1", "commissionAsset": "BNB", "time": NOW - 1_000 + number, "isBuyer": True,
        "isMaker": False, "isBestMatch": True,
    }  # fmt: skip
    return {**values, **fields}


@st.composite
def trades(draw):
    numbers = sorted(draw(st.sets(st.integers(0, 2**53), min_size=ROWS, max_size=ROWS)))
    return [
        trade(
            number, orderId=draw(ids), price=draw(decimal_texts()), qty=draw(decimal_texts()),
            quoteQty=draw(decimal_texts()), commission=draw(decimal_texts()), commissionAsset=draw(st.text(max_size=6)),
            time=draw(st.integers(10**14, NOW - 1)), isBuyer=draw(booleans), isMaker=draw(booleans),
        )
        for number in numbers
    ]  # fmt: skip


def load_trades(play, body):
    series = AccountTradeSeries(play(body), SYMBOL, {}, NOW)
    return rows_of(series._table(series._page(0)))


def read_trades(rows):
    return without_copies([{ours: of(row[theirs]) for ours, (theirs, of) in TRADE_FIELDS.items()} for row in rows])


@given(trades())
def test_valid_trades_are_the_rows_that_they_say(account, rows):
    assert load_trades(account, dumps(rows)) == read_trades(rows)


@given(bodies(trades()))
@example(dumps([trade(7, id=2**63)]))
@example(dumps([trade(7, time=NOW // 1000)]))
@example(dumps([trade(7), trade(7)]))
@example(dumps([trade(7), trade(7, price="4.50")]))
@example(dumps([trade(7), trade(6)]))
@example(dumps([trade(7, symbol="BNBUSDT")]))
@example(dumps([trade(7, commission="\u0661")]))
@example(b'[{"symbol":"\xff"}]')
@example(b'[{"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}]")
def test_any_trades_are_the_rows_that_they_say_or_a_named_error(account, body):
    try:
        found = load_trades(account, body)
    except SourceError:
        return
    assert found == read_trades(from_json(body))
    numbers = [row["trade_id"] for row in found]
    assert numbers == sorted(set(numbers))
    assert all(row["symbol"] == SYMBOL and row["trade_time"] >= 10**14 for row in found)


@pytest.mark.parametrize("field", ["id", "orderId", "price", "commission", "commissionAsset", "time", "isBuyer"])
def test_each_odd_value_of_a_trade_is_what_it_says_or_a_named_error(account, field):
    for value in (*ODD_VALUES, *map(Written, LITERALS)):
        body = dumps([trade(1, **{field: value}), trade(2**53)])
        try:
            found = load_trades(account, body)
        except SourceError:
            continue
        assert found == read_trades(from_json(body))
