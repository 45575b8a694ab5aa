"""What is asked of the signed endpoints, by which clock, what their answers parse to, and what their errors say."""

import hashlib
import hmac
import io
import json
import threading
import time
from datetime import datetime, timezone
from decimal import Decimal
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pytest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from binance_source.account import BinanceAccount
from binance_source.connection import Connection
from binance_source.datasets import DATASETS
from binance_source.market import BinanceMarket
from binance_source.rest import account_trades, signed
from binance_source.rest.account_balances import balances_snapshot, fetch_account
from binance_source.rest.account_trades import AccountTradeSeries
from binance_source.rest.signed import SignedClient
from binance_source.rest.signing import Signer
from binance_source.settings import BinanceConfiguration
from exchange_engine.http.errors import GaveUpError, KeyRefusedError, RejectedError, RunError
from exchange_engine.http.transport import Tally
from exchange_engine.request import RequestError, check_request
from exchange_engine.run import Run

KEY, SECRET = "KEYkey0KEYkey0KEYkey0", "SECRETsecret0SECRETsecret0"
NOW_MS = 1_739_275_230_000  # 2025-02-11 12:00:30
NOW = datetime(2025, 2, 11, 12, 0, 30, tzinfo=timezone.utc)

ACCOUNT = {
    "makerCommission": 15, "takerCommission": 15, "buyerCommission": 0, "sellerCommission": 0,
    "commissionRates": {"maker": "0.00150000", "taker": "0.00150000", "buyer": "0.00000000", "seller": "0.00000000"},
    "canTrade": True, "canWithdraw": True, "canDeposit": True, "brokered": False,
    "requireSelfTradePrevention": False, "preventSor": False, "updateTime": 123456789, "accountType": "SPOT",
    "balances": [
        {"asset": "BTC", "free": "4723846.89208129", "locked": "0.00000000"},
        {"asset": "币安人生", "free": "0.00000001", "locked": "99999999999999999999.99999999", "new": [1]},
    ],
    "permissions": ["SPOT"], "uid": 354937868, "somethingNew": {"a": None},
}  # fmt: skip
"""GET /api/v3/account as it is documented."""

TRADE = {
    "symbol": "BNBBTC", "id": 28457, "orderId": 100234, "orderListId": -1, "price": "4.00000100",
    "qty": "12.00000000", "quoteQty": "48.00001200", "commission": "10.10000000", "commissionAsset": "BNB",
    "time": 1499865549590123, "isBuyer": True, "isMaker": False, "isBestMatch": True, "somethingNew": 1.5,
}  # fmt: skip
"""A row of GET /api/v3/myTrades as it is documented, in microseconds."""


SYMBOLS = [
    {
        "symbol": name, "status": "TRADING", "baseAsset": name[:3], "quoteAsset": "BTC", "baseAssetPrecision": 8,
        "quoteAssetPrecision": 8, "orderTypes": [], "permissionSets": [], "filters": [], "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
    }
    for name in ("BNBBTC", "ETHBTC")
]  # fmt: skip


def trade(number, **fields):
    return {**TRADE, "id": number, **fields}


def error(code, status=400, said="as the exchange says it"):
    return status, {"code": code, "msg": said}


class Host(HTTPAdapter):
    """Answers signed requests by what a test says, and /time by a clock of its own."""

    def __init__(self, *answers):
        super().__init__()
        self.answers = list(answers)
        self.began = time.monotonic()
        self.times = self.infos = 0
        self.asked = []
        self.ahead_ms = 0

    def clock_ms(self):
        return NOW_MS + self.ahead_ms + int((time.monotonic() - self.began) * 1000)

    def send(self, request, *_, **__):
        if request.url.endswith("/api/v3/time"):
            self.times += 1
            return self._answer(request, 200, {"serverTime": self.clock_ms()})
        if request.url.endswith("/api/v3/exchangeInfo"):
            self.infos += 1
            return self._answer(request, 200, {"rateLimits": [], "symbols": SYMBOLS})
        self.asked.append(request)
        answer = self.answers.pop(0)
        return self._answer(request, *(answer if isinstance(answer, tuple) else (200, answer)))

    def _answer(self, request, status, document):
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        return self.build_response(request, HTTPResponse(io.BytesIO(body), headers, status, preload_content=False))

    def query(self, number=-1):
        return {name: value[0] for name, value in parse_qs(urlsplit(self.asked[number].url).query).items()}


def configuration(**settings):
    made = BinanceConfiguration()
    made.backoff_seconds = 0.0
    made.max_attempts = 2
    for name, value in settings.items():
        setattr(made, name, value)
    return made


@pytest.fixture
def open_client(monkeypatch):
    """Make a client of a host that gives these answers; it has read the clock."""
    made = []
    monkeypatch.setattr(signed, "LONGEST_TRIP_SECONDS", 60)  # however busy this machine is

    def open_at(*answers, **settings):
        host = Host(*answers)
        client = SignedClient(configuration(**settings), Signer(KEY, SECRET, "secrets.toml"))
        made.append(client)
        for one in (client, client.public):
            one._session.mount("https://", host)
        client.server_time_ms()
        return client, host

    yield open_at
    for client in made:
        client.close()


def test_balances_are_those_that_stand_in_the_documented_answer(open_client):
    client, host = open_client(ACCOUNT)
    tally = Tally()
    account = fetch_account(client, tally)
    assert account.uid == 354937868
    found = balances_snapshot(account, NOW_MS * 1000)
    assert (found.rejected, found.unnamed) == ([], 0)
    assert found.rows.to_pylist() == [
        {"snapshot_time": NOW, "asset": "BTC", "free": Decimal("4723846.89208129"), "locked": Decimal(0)},
        {
            "snapshot_time": NOW, "asset": "币安人生", "free": Decimal("0.00000001"),
            "locked": Decimal("99999999999999999999.99999999"),
        },
    ]  # fmt: skip
    assert (tally.requests, tally.weight) == (1, 20)
    assert host.asked[0].url.startswith("https://api.binance.com/api/v3/account?omitZeroBalances=true&recvWindow=5000&")


def test_an_odd_balance_costs_itself(open_client):
    btc, other = {"asset": "BTC", "free": "1", "locked": "0"}, {"asset": "BTC", "free": "2", "locked": "0"}
    eth, dust = {"asset": "ETH", "free": "0.5", "locked": "0"}, {"asset": "DUST", "free": "1e-9", "locked": "0"}
    client, _ = open_client({**ACCOUNT, "balances": [btc, eth, other, dust, {"free": "1", "locked": "0"}, eth]})
    account = fetch_account(client)
    found = balances_snapshot(account, NOW_MS * 1000)
    assert found.rows.to_pylist() == [
        {"snapshot_time": NOW, "asset": "ETH", "free": Decimal("0.5"), "locked": Decimal(0)}
    ]
    assert [json.loads(one.row) for one in found.rejected] == [btc, other, dust]
    assert (found.unnamed, account.uid) == (1, 354937868)


def test_trades_are_those_that_stand_in_the_documented_answer(open_client):
    client, host = open_client([TRADE], [])
    series = AccountTradeSeries(client, "BNBBTC", {}, NOW_MS * 1000)
    [window] = series.open()
    page = series.fetch(window)
    assert page.rows.to_pylist() == [
        {
            "symbol": "BNBBTC", "trade_id": 28457, "order_id": 100234, "price": Decimal("4.00000100"),
            "quantity": Decimal(12), "quote_quantity": Decimal("48.00001200"), "commission": Decimal("10.1"),
            "commission_asset": "BNB", "is_buyer": True, "is_maker": False,
            "trade_time": datetime(2017, 7, 12, 13, 19, 9, 590123, tzinfo=timezone.utc),
        }
    ]  # fmt: skip
    assert page.covered == ((0, 28458, 1499865549590123, 1499865549590123),)
    assert [host.query(number)["fromId"] for number in (0, 1)] == ["0", "28458"]
    assert host.query()["limit"] == "1000"
    assert host.asked[0].headers["X-MBX-TIME-UNIT"] == "MICROSECOND"
    assert (series.tally.requests, series.tally.weight) == (2, 40)


def test_the_history_goes_on_after_what_is_loaded_and_in_turns_where_it_is_long(open_client, monkeypatch):
    monkeypatch.setattr(account_trades, "ROWS_AT_ONCE", 3)
    answers = [[trade(7), trade(9)], [trade(11)], [trade(20)], []]
    client, host = open_client(*answers)
    first = AccountTradeSeries(client, "BNBBTC", {"spot|BNBBTC": [(0, 5, 1, 2)]}, NOW_MS * 1000)
    page = first.fetch(first.open()[0])
    assert page.rows["trade_id"].to_pylist() == [7, 9, 11]
    assert page.covered[0][:2] == (5, 12)
    assert first.has_more
    second = AccountTradeSeries(client, "BNBBTC", {"spot|BNBBTC": [(0, 12, 1, 2)]}, NOW_MS * 1000)
    page = second.fetch(second.open()[0])
    assert page.rows["trade_id"].to_pylist() == [20]
    assert not second.has_more
    assert [host.query(number)["fromId"] for number in range(4)] == ["5", "10", "12", "21"]


def test_trades_after_the_beginning_of_the_run_are_left_to_the_next_one(open_client):
    now = NOW_MS * 1000
    client, _ = open_client([trade(7, time=now - 1), trade(8, time=now), trade(9, time=now - 1)])
    series = AccountTradeSeries(client, "BNBBTC", {}, now)
    page = series.fetch(series.open()[0])
    assert page.rows["trade_id"].to_pylist() == [7]
    assert page.covered[0][:2] == (0, 8)
    assert not series.has_more


def test_an_account_without_trades_covers_nothing(open_client):
    client, _ = open_client([])
    series = AccountTradeSeries(client, "BNBBTC", {}, NOW_MS * 1000)
    page = series.fetch(series.open()[0])
    assert (page.rows.num_rows, page.covered) == (0, ())


@pytest.mark.parametrize(
    "rows",
    [
        [trade(7), trade(7, qty="13.00000000")],
        [trade(7), trade(8), trade(7)],
        [trade(8), trade(7)],
        [trade(4)],
        [trade(7, symbol="BNBUSDT")],
        [trade(7, time=1499865549590)],
        [trade(7, orderId=None)],
        [trade(7, isBuyer="true")],
    ],
    ids=[
        "twice and different", "twice and apart", "descending", "before what was asked", "another symbol",
        "milliseconds", "a lack", "another type",
    ],
)  # fmt: skip
def test_trades_that_cannot_be_meant_are_asked_for_again_and_then_refused(open_client, rows):
    client, host = open_client(rows, [trade(7)], [])
    coverage = {"spot|BNBBTC": [(0, 5, 1, 2)]}
    series = AccountTradeSeries(client, "BNBBTC", coverage, NOW_MS * 1000)
    assert series.fetch(series.open()[0]).rows["trade_id"].to_pylist() == [7]
    host.answers = [rows, rows]
    with pytest.raises(
        GaveUpError, match=r"/api/v3/myTrades answered, but with what was not expected: .*\(2 attempts\)"
    ):
        series.fetch(series.open()[0])


def test_copies_of_a_trade_are_one_trade(open_client):
    client, host = open_client([trade(7), trade(7), trade(9), trade(9), trade(9)], [])
    series = AccountTradeSeries(client, "BNBBTC", {}, NOW_MS * 1000)
    page = series.fetch(series.open()[0])
    assert page.rows["trade_id"].to_pylist() == [7, 9]
    assert page.covered[0][:2] == (0, 10)
    assert [host.query(number)["fromId"] for number in (0, 1)] == ["0", "10"]


def test_the_bytes_that_are_sent_are_those_that_are_signed(open_client):
    client, host = open_client([])
    series = AccountTradeSeries(client, "币安人生USDT", {}, NOW_MS * 1000)
    series.fetch(series.open()[0])
    query = urlsplit(host.asked[0].url).query
    payload, _, signature = query.rpartition("&signature=")
    assert payload.startswith("symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&fromId=0&limit=1000&recvWindow=5000&t")
    assert signature == hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()
    assert host.asked[0].headers["X-MBX-APIKEY"] == KEY
    assert KEY not in host.asked[0].url


def test_the_clock_of_this_machine_does_not_matter(open_client, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 86_400.0)
    client, host = open_client(ACCOUNT)
    before = host.clock_ms()
    fetch_account(client)
    assert before - 5_000 <= int(host.query()["timestamp"]) <= host.clock_ms() + 5_000


def test_a_repeated_request_is_signed_anew(open_client):
    client, host = open_client((503, b"{}"), ACCOUNT, backoff_seconds=0.05)
    fetch_account(client)
    first, second = (host.query(number) for number in (0, 1))
    assert int(second["timestamp"]) >= int(first["timestamp"]) + 50
    assert first["signature"] != second["signature"]


def test_the_clock_is_read_again_where_the_exchange_refuses_the_time_once(open_client):
    client, host = open_client(error(-1021), ACCOUNT)
    host.ahead_ms = 3_600_000
    fetch_account(client)
    assert host.times == 2
    assert abs(int(host.query(1)["timestamp"]) - host.clock_ms()) < 60_000


def test_a_time_that_is_refused_twice_ends_the_run(open_client):
    client, host = open_client(error(-1021), error(-1021))
    with pytest.raises(KeyRefusedError, match=r"code -1021: as the .*raise sources\.binance\.recv_window_ms"):
        fetch_account(client)
    assert (host.times, len(host.asked)) == (2, 2)


def test_threads_whose_time_is_refused_together_read_the_clock_once(open_client):
    client, host = open_client()
    together = threading.Barrier(4)

    def refuse_first(request, *_, **__):
        if request.url.endswith("/api/v3/time"):
            host.times += 1
            return host._answer(request, 200, {"serverTime": host.clock_ms()})
        if len(seen) < 4:
            seen.append(request)
            together.wait(10)
            return host._answer(request, *error(-1021))
        return host._answer(request, 200, ACCOUNT)

    seen, found = [], []
    host.send = refuse_first
    threads = [threading.Thread(target=lambda: found.append(fetch_account(client).uid)) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(10)
    assert found == [354937868] * 4
    assert host.times == 2


@pytest.mark.parametrize(("trips", "used"), [([0.4], 0), ([0.9, 0.4], 1), ([0.8, 2.0, 3.0], 0), ([2.0, 3.0, 0.6], 2)])
def test_of_readings_of_the_clock_that_were_long_on_their_way_the_shortest_is_used(
    open_client, monkeypatch, trips, used
):
    client, host = open_client(ACCOUNT)
    monkeypatch.setattr(signed, "LONGEST_TRIP_SECONDS", 0.5)
    mine = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(signed, "time", SimpleNamespace(monotonic=lambda: mine.now))
    readings = iter(enumerate(trips))

    def read():
        number, trip = next(readings)
        mine.now += trip
        # Right in the middle of the round trip in the one that is used, and an hour off in the others.
        return NOW_MS + int((mine.now - trip / 2) * 1000) + (0 if number == used else 3_600_000)

    monkeypatch.setattr(client.public, "server_time_ms", read)
    client.server_time_ms()
    assert next(readings, None) is None
    fetch_account(client)
    assert abs(int(host.query()["timestamp"]) - NOW_MS - mine.now * 1000) <= 2


WHAT_TO_DO = {
    -2014: "copy it again",
    -2015: 'the right "Enable Reading", or this machine\'s IP address is not in its list',
    -1022: "api_secret does not belong to api_key",
    -1002: 'it needs the right "Enable Reading"',
    -1131: "lower sources.binance.recv_window_ms",
}


@pytest.mark.parametrize("code", WHAT_TO_DO)
@pytest.mark.parametrize("status", [400, 401])
def test_an_error_of_the_key_says_its_code_and_what_to_do(open_client, code, status):
    client, host = open_client(error(code, status))
    with pytest.raises(RunError) as caught:
        fetch_account(client)
    said = str(caught.value)
    assert f"/api/v3/account was refused: HTTP {status}, code {code}: as the exchange says it; " in said
    assert WHAT_TO_DO[code] in said
    assert said.endswith("(set by secrets.toml)")
    assert len(host.asked) == 1


def test_an_error_of_a_symbol_ends_its_series_alone(open_client):
    client, _ = open_client(error(-1121))
    with pytest.raises(RejectedError, match="code -1121"):
        AccountTradeSeries(client, "NONE", {}, NOW_MS * 1000)._page(0)


def test_a_key_that_an_answer_repeats_is_not_shown(open_client):
    client, _ = open_client(error(-2015, 401, f"Invalid API-key {KEY}."))
    with pytest.raises(KeyRefusedError) as caught:
        fetch_account(client)
    assert "Invalid API-key (the API key)." in str(caught.value)
    shown = [caught.value]
    while shown[-1].__cause__ is not None:
        shown.append(shown[-1].__cause__)
    assert not any(secret in repr(one) for one in shown for secret in (KEY, SECRET, "signature"))


def account_run(client, dataset):
    request = check_request(["BNBBTC"], ["1m"], [dataset], known_datasets=DATASETS)
    account = BinanceAccount(request, configuration(), Signer(KEY, SECRET))
    account.client = client
    return Run(account)


def test_a_long_history_is_handed_on_in_turns_and_to_its_end(open_client, monkeypatch):
    monkeypatch.setattr(account_trades, "ROWS_AT_ONCE", 2)
    client, _ = open_client(ACCOUNT, [trade(7), trade(9)], [trade(11), trade(12)], [trade(20)], [])
    run, coverage = account_run(client, "account_trades"), {}
    run.begin_package()
    rows = pa.concat_tables(run.rows("account_trades", coverage, {}))
    assert rows["trade_id"].to_pylist() == [7, 9, 11, 12, 20]
    assert coverage == {"spot|BNBBTC": [(0, 21, TRADE["time"], TRADE["time"])]}
    assert (run.failures, run.error, run.unfinished()) == ({"account_trades": []}, None, False)
    run.close()


def test_the_spot_runs_weight_budget_and_symbols_are_shared(open_client):
    client, host = open_client(ACCOUNT)
    request = check_request(["BNBBTC"], ["1m"], ["klines"], source="rest", known_datasets=DATASETS)
    spot = BinanceMarket(Connection(request, configuration()))
    spot_client = spot.connection.client
    spot_client._session.mount("https://", host)
    spot_run = Run(spot)
    spot_run.connect()
    request = check_request(["*BTC"], ["1m"], ["account_trades"], known_datasets=DATASETS)
    account = BinanceAccount(request, configuration(), Signer(KEY, SECRET), spot=spot)
    assert account.client.budget is account.client.public.budget is spot_client.budget
    account.client = client
    run = Run(account).open([spot_run])
    assert run.names == ("BNBBTC", "ETHBTC")
    assert host.infos == 1
    for one in (run, spot_run):
        one.close()


def test_without_a_spot_run_the_symbols_are_asked_for_once(open_client):
    client, host = open_client(ACCOUNT)
    run = account_run(client, "account_trades").open()
    assert (run.names, host.infos) == (("BNBBTC",), 1)
    run.close()


def test_an_account_that_is_not_the_one_of_the_database_is_refused(open_client):
    client, _ = open_client(ACCOUNT)
    run = account_run(client, "account_balances")
    run.connect()
    state = {}
    run.remember_origin(state)
    assert state == {"exchange": "Binance", "account": 354937868}
    run.remember_origin(state)
    with pytest.raises(RequestError, match="data of another account than that of"):
        run.remember_origin({**state, "account": 5})
    run.close()
