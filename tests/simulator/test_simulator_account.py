"""The signed endpoints: signatures that are really verified, timestamps, rights, and the account's own rows."""

import base64
import hashlib
import hmac
from collections import defaultdict
from decimal import Decimal
from http.client import HTTPConnection
from types import SimpleNamespace
from urllib.parse import quote, urlencode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exchange_simulator.account.keys import KeyRing

ACCOUNT, TRADES = "/api/v3/account", "/api/v3/myTrades"
# The vectors that the exchange publishes: secret, payloads, signatures.
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
PAYLOAD = "symbol={}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
VECTORS = [
    ("LTCBTC", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
    (
        "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96",
        "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
    ),
]


def pem(private_key):
    return private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture(scope="module")
def signer():
    """A key of each kind: its name, its description, and how it signs."""
    of_rsa = rsa.generate_private_key(65537, 2048)
    of_ed25519 = ed25519.Ed25519PrivateKey.generate()

    def rsa_signature(payload):
        return base64.b64encode(of_rsa.sign(payload.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()

    return SimpleNamespace(
        hmac=({"kind": "hmac", "secret": "a secret of its own"}, by_hmac("a secret of its own")),
        rsa=({"kind": "rsa", "public_key": pem(of_rsa)}, rsa_signature),
        ed25519=(
            {"kind": "ed25519", "public_key": pem(of_ed25519)},
            lambda payload: base64.b64encode(of_ed25519.sign(payload.encode())).decode(),
        ),
    )


def by_hmac(secret):
    return lambda payload: hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


class Signed:
    """A client of the account with a key."""

    def __init__(self, client):
        self.session, self.simulator = client.session, client.simulator
        self.key, self.sign = client.simulator.api_key, by_hmac(client.simulator.api_secret)

    def send(self, path, query, headers=None):
        shown = {"X-MBX-APIKEY": self.key} if headers is None else headers
        return self.session.get(f"{self.simulator.url}{path}?{query}", headers=shown, timeout=30)

    def now(self):
        return self.simulator.clock_now() // 1000

    def ask(self, path, sign=None, key=None, timestamp=None, headers=None, **params):
        query = urlencode({**params, "timestamp": self.now() if timestamp is None else timestamp})
        signature = quote((sign or self.sign)(query), safe="")
        shown = {"X-MBX-APIKEY": self.key if key is None else key, **(headers or {})}
        return self.send(path, f"{query}&signature={signature}", shown)

    def get(self, path, **params):
        answer = self.ask(path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def error(self, path=ACCOUNT, **params):
        answer = self.ask(path, **params)
        return answer.status_code, answer.json().get("code")


@pytest.fixture(scope="module")
def account(nasty):
    """The account of the nasty market, whose clock stands at 2025-03-01 12:34:56.789."""
    return Signed(nasty)


@pytest.mark.parametrize(("symbol", "signature"), VECTORS)
def test_published_signatures_are_right_in_either_case_and_no_others(symbol, signature):
    keys = KeyRing()
    keys.add({"api_key": "published", "kind": "hmac", "secret": SECRET})
    verify = keys.find("published").verify
    payload = PAYLOAD.format(symbol).encode()
    assert verify(payload, signature)
    assert verify(payload, signature.upper())
    assert not verify(payload, signature[:-1] + ("0" if signature[-1] != "0" else "1"))
    assert not verify(payload + b"&a=1", signature)
    assert not verify(payload, "")


@pytest.mark.parametrize("kind", ["hmac", "rsa", "ed25519"])
def test_a_key_of_each_kind_is_taken_and_only_with_its_own_signature(account, signer, kind):
    description, sign = getattr(signer, kind)
    other = signer.ed25519[1] if kind != "ed25519" else signer.rsa[1]
    account.simulator.add_key(f"key-{kind}", **description)
    assert account.ask(ACCOUNT, key=f"key-{kind}", sign=sign).status_code == 200
    assert account.error(key=f"key-{kind}", sign=other) == (400, -1022)
    assert account.error(key=f"key-{kind}", sign=lambda payload: sign(payload + " ")) == (400, -1022)
    assert account.error(key=f"key-{kind}", sign=lambda _: "not base64, nor hex") == (400, -1022)
    assert account.error(key=f"key-{kind}", sign=lambda payload: sign(payload).swapcase()) == (
        (200, None) if kind == "hmac" else (400, -1022)
    )


def test_a_plus_that_was_not_encoded_is_a_blank(account, signer):
    description, sign = signer.rsa
    account.simulator.add_key("plus", **description)
    for number in range(200):
        query = f"recvWindow={5000 + number}&timestamp={account.now()}"
        signature = sign(query)
        if "+" in signature:
            break
    account.key, kept = "plus", account.key
    try:
        assert account.send(ACCOUNT, f"{query}&signature={signature}").json()["code"] == -1022
        assert account.send(ACCOUNT, f"{query}&signature={quote(signature, safe='')}").status_code == 200
    finally:
        account.key = kept


def status_of(account, query):
    """Send a query as it is: requests writes percent-encodings anew."""
    connection = HTTPConnection(account.simulator.url.removeprefix("http://"))
    connection.request("GET", f"{TRADES}?{query}", headers={"X-MBX-APIKEY": account.key})
    return connection.getresponse().status


def test_what_is_signed_are_the_bytes_that_were_sent(account):
    symbol = "币安人生USDT"
    encoded = f"symbol={quote(symbol)}&timestamp={account.now()}"
    plain = f"symbol={symbol}&timestamp={account.now()}"
    assert account.send(TRADES, f"{encoded}&signature={account.sign(encoded)}").status_code == 200
    assert account.send(TRADES, f"{encoded}&signature={account.sign(plain)}").json()["code"] == -1022
    lower = f"symbol={quote(symbol).lower().replace('usdt', 'USDT')}&timestamp={account.now()}"
    assert status_of(account, f"{lower}&signature={account.sign(encoded)}") == 400
    assert status_of(account, f"{lower}&signature={account.sign(lower)}") == 200
    turned = f"timestamp={account.now()}&symbol={quote(symbol)}"
    assert account.send(TRADES, f"signature={account.sign(turned)}&{turned}").status_code == 200
    assert account.send(TRADES, f"{turned}&signature={account.sign(encoded)}").json()["code"] == -1022


@pytest.mark.parametrize("headers", [{}, {"X-MBX-APIKEY": ""}, {"X-MBX-APIKEY": "a blank"}])
def test_a_key_that_is_missing_or_malformed_is_2014(account, headers):
    query = f"timestamp={account.now()}"
    answer = account.send(ACCOUNT, f"{query}&signature={account.sign(query)}", headers)
    assert (answer.status_code, answer.json()["code"]) == (401, -2014)


def test_keys_that_are_unknown_restricted_or_without_rights_are_2015(account):
    assert account.error(key="nobodys") == (401, -2015)
    account.simulator.add_key("elsewhere", "hmac", secret="s", ip_restricted=True)
    assert account.error(key="elsewhere", sign=by_hmac("s")) == (401, -2015)
    account.simulator.add_key("powerless", "hmac", secret="s", permissions=[])
    assert account.error(key="powerless", sign=by_hmac("s")) == (401, -2015)


def test_the_window_of_a_timestamp_is_exact(account):
    now = account.now()  # 789 ms: the clock stands at the whole millisecond
    assert account.error(timestamp=now + 999) == (200, None)
    assert account.error(timestamp=now + 1000) == (400, -1021)
    assert account.error(timestamp=now - 5000) == (200, None)
    assert account.error(timestamp=now - 5001) == (400, -1021)
    assert account.error(timestamp=now - 60_000, recvWindow=60_000) == (200, None)
    assert account.error(timestamp=now - 2, recvWindow="1.5") == (400, -1021)
    assert account.error(timestamp=now * 1000 - 1500, recvWindow="1.5") == (200, None)
    assert account.error(timestamp=now * 1000 - 1501, recvWindow="1.5") == (400, -1021)
    assert account.error(recvWindow=60_001) == (400, -1131)


@pytest.mark.parametrize(
    ("query", "code"),
    [("", -1102), ("timestamp=&", -1102), ("timestamp=1e3&", -1100), ("recvWindow=x&timestamp=1&", -1100)],
)
def test_a_timestamp_must_be_there_and_whole(account, query, code):
    signature = account.sign(query.removesuffix("&"))
    assert account.send(ACCOUNT, f"{query}signature={signature}").json()["code"] == code


def test_a_signature_must_be_there_once(account):
    query = f"timestamp={account.now()}"
    assert account.send(ACCOUNT, query).json()["code"] == -1102
    assert account.send(ACCOUNT, f"{query}&signature=").json()["code"] == -1102
    assert account.send(ACCOUNT, f"{query}&signature=a&signature={account.sign(query)}").json()["code"] == -1101


def test_a_skewed_clock_refuses_signed_requests_once(account):
    account.simulator.add_fault("signed_clock_skew", path="/api/v3", skew_ms=6000)
    assert account.error() == (400, -1021)
    assert account.error() == (200, None)
    account.simulator.add_fault("signed_clock_skew", path=ACCOUNT, skew_ms=-1000)
    assert account.error() == (400, -1021)
    account.simulator.add_fault("clock_skew", path="/api/v3/time", skew_ms=10_000)
    wrong = account.session.get(f"{account.simulator.url}/api/v3/time", timeout=30).json()["serverTime"]
    assert account.error(timestamp=wrong) == (400, -1021)
    account.simulator.clear_faults()


def test_signed_requests_have_their_weights(account):
    account.simulator.reset_limits()
    used = []
    order = account.get(TRADES, symbol="BTCUSDT", limit=1)[0]["orderId"]
    for path, params in (
        (ACCOUNT, {}),
        (TRADES, {"symbol": "BTCUSDT"}),
        (TRADES, {"symbol": "BTCUSDT", "orderId": order}),
    ):
        account.simulator.reset_limits()
        used.append(int(account.ask(path, **params).headers["X-MBX-USED-WEIGHT-1M"]))
    assert used == [20, 20, 5]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, -1102),
        ({"symbol": "NOSUCH"}, -1121),
        ({"symbol": "BTCUSDT", "fromId": 1, "startTime": 1}, -1128),
        ({"symbol": "BTCUSDT", "orderId": 1, "endTime": 1}, -1128),
        ({"symbol": "BTCUSDT", "orderId": 1, "fromId": 1, "startTime": 1}, -1128),
        ({"symbol": "BTCUSDT", "startTime": 1735689600000, "endTime": 1735776000001}, -1127),
        ({"symbol": "BTCUSDT", "limit": 0}, -1130),
        ({"symbol": "BTCUSDT", "page": 2}, -1103),
    ],
)
def test_questions_about_trades_that_make_no_sense_have_their_codes(account, params, code):
    assert account.error(TRADES, **params) == (400, code)


def paged(account, symbol, limit):
    rows, from_id = [], 0
    while page := account.get(TRADES, symbol=symbol, fromId=from_id, limit=limit):
        rows += page
        from_id = page[-1]["id"] + 1
    return rows


@pytest.mark.parametrize(("symbol", "least"), [("BTCUSDT", 1000), ("GONEUSDT", 10), ("币安人生USDT", 10)])
def test_trades_by_id_are_the_truth_and_trades_of_the_market(account, nasty, symbol, least):
    rows = paged(account, symbol, 400)
    known = account.simulator.truth("account_trades", symbol).to_pylist()
    assert len(rows) >= least
    assert [
        (
            row["id"],
            row["orderId"],
            *(Decimal(row[name]) for name in ("price", "qty", "quoteQty", "commission")),
            row["commissionAsset"],
            row["time"],
            row["isBuyer"],
            row["isMaker"],
        )
        for row in rows
    ] == [
        (
            row["trade_id"],
            row["order_id"],
            row["price"],
            row["quantity"],
            row["quote_quantity"],
            row["commission"],
            row["commission_asset"],
            int(row["trade_time"].timestamp() * 1000),
            row["is_buyer"],
            row["is_maker"],
        )
        for row in known
    ]
    ids = [row["id"] for row in rows]
    assert ids == sorted(set(ids))
    assert ids[-1] - ids[0] > len(ids)
    for row in rows[:: len(rows) // 10]:
        same = nasty.get("historicalTrades", symbol=symbol, fromId=row["id"], limit=1)[0]
        assert (same["id"], same["time"], same["price"]) == (row["id"], row["time"], row["price"])
        assert Decimal(row["qty"]) <= Decimal(same["qty"])
        assert row["isMaker"] == (row["isBuyer"] == same["isBuyerMaker"])
        assert Decimal(row["quoteQty"]) == Decimal(row["price"]) * Decimal(row["qty"])


def test_trades_by_time_by_order_and_the_latest(account, times):
    rows = paged(account, "BTCUSDT", 1000)
    ask = {"symbol": "BTCUSDT", "limit": 1000}
    first, last = rows[3]["time"], rows[9]["time"]
    assert account.get(TRADES, startTime=first, limit=5, symbol="BTCUSDT") == rows[3:8]
    assert account.get(TRADES, startTime=first, endTime=last, **ask) == rows[3:10]
    assert account.get(TRADES, endTime=last, symbol="BTCUSDT", limit=4) == rows[6:10]
    assert account.get(TRADES, symbol="BTCUSDT") == rows[-500:]
    order = [row for row in rows if row["orderId"] == rows[3]["orderId"]]
    assert len(order) == 3
    assert account.get(TRADES, orderId=rows[3]["orderId"], **ask) == order
    assert account.get(TRADES, orderId=rows[3]["orderId"], fromId=order[1]["id"], **ask) == order[1:]
    assert account.get(TRADES, startTime=times.NOW, **ask) == []
    assert account.get(TRADES, symbol="ETHBTC") == []
    fine = account.get(TRADES, headers={"X-MBX-TIME-UNIT": "MICROSECOND"}, fromId=0, limit=3, symbol="BTCUSDT")
    assert [row["time"] // 1000 for row in fine] == [row["time"] for row in rows[:3]]


def test_balances_follow_from_the_trades(account):
    held = defaultdict(Decimal, {"USDT": 250_000, "BTC": Decimal("1.5"), "ETH": 12, "BNB": 40})
    held["AIRDROP"] = Decimal("123456.789")
    for symbol, base in (("BTCUSDT", "BTC"), ("ETHUSDT", "ETH"), ("GONEUSDT", "GONE"), ("币安人生USDT", "币安人生")):
        for row in paged(account, symbol, 1000):
            sign = 1 if row["isBuyer"] else -1
            held[base] += sign * Decimal(row["qty"])
            held["USDT"] -= sign * Decimal(row["quoteQty"])
            held[row["commissionAsset"]] -= Decimal(row["commission"])
    content = account.get(ACCOUNT, omitZeroBalances="true")
    assert {row["asset"]: Decimal(row["free"]) for row in content["balances"]} == held
    assert min(held.values()) > 0
    locked = {row["asset"]: row["locked"] for row in content["balances"] if Decimal(row["locked"])}
    assert locked == {"USDT": "1250.50000000", "ETH": "0.00000001"}
    known = account.simulator.truth("account_balances").to_pylist()
    every = account.get(ACCOUNT)["balances"]
    assert [(row["asset"], Decimal(row["free"]), Decimal(row["locked"])) for row in every] == [
        (row["asset"], row["free"], row["locked"]) for row in known
    ]
    assert {"TINY", "SOL"} <= {row["asset"] for row in every if Decimal(row["free"]) == 0}


INFORMATION = (
    "makerCommission takerCommission buyerCommission sellerCommission commissionRates canTrade canWithdraw canDeposit"
    " brokered requireSelfTradePrevention preventSor updateTime accountType balances permissions uid"
)
TRADE = "symbol id orderId orderListId price qty quoteQty commission commissionAsset time isBuyer isMaker isBestMatch"


def test_the_account_and_its_trades_have_every_documented_field(account):
    assert set(account.get(ACCOUNT)) == set(INFORMATION.split())
    assert set(account.get(TRADES, symbol="BTCUSDT", limit=1)[0]) == set(TRADE.split())


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"api_key": "a b", "kind": "hmac", "secret": "s"}, "api_key = 'a b' is not made of letters"),
        ({"api_key": "a", "kind": "dsa", "secret": "s"}, "kind 'dsa' is not one of hmac, rsa, ed25519"),
        ({"api_key": "a", "kind": "rsa", "secret": "s"}, "a key of kind rsa needs public_key"),
        ({"api_key": "a", "kind": "hmac", "secret": "s", "permissions": "all"}, "permissions must be a list"),
        ({"api_key": "a", "kind": "ed25519", "public_key": "no PEM"}, "Unable to load PEM"),
    ],
)
def test_keys_that_make_no_sense_are_refused(account, description, message):
    with pytest.raises(ValueError, match=message):
        account.simulator.add_key(**description)
