"""What hosts are said to be that refuse, or that answer oddly, and how often they are asked before."""

import io
import json
import time
from types import SimpleNamespace

import msgspec
import pytest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from binance_source.markets import SPOT_MARKET, UM_MARKET
from binance_source.rest.client import RestClient
from binance_source.rest.signed import SignedClient
from binance_source.rest.signing import Signer
from binance_source.settings import BinanceConfiguration
from coinbase_source.client import CoinbaseClient
from coinbase_source.settings import CoinbaseConfiguration
from exchange_engine.http.errors import GaveUpError, GeoBlockedError, UnreachableError
from exchange_engine.request import check_request
from okx_source.client import HISTORY_CANDLES, OkxClient
from okx_source.settings import OkxConfiguration
from okx_source.venue import Okx

NOW_MS = 1_739_275_230_000  # 2025-02-11 12:00:30
PAGE = (403, "text/html", b"<html><h1>403 ERROR</h1>Request blocked.</html>")
OKX_HOSTS = ("www", "openapi", "my", "eea", "app", "us")


def document(content, status=200):
    return status, "application/json", json.dumps(content).encode()


class Host(HTTPAdapter):
    """Returns one answer after the other, and the last one for ever."""

    def __init__(self, *answers):
        super().__init__()
        self.answers = list(answers)
        self.asked = []

    def send(self, request, *_, **__):
        self.asked.append(request.url.split("?")[0])
        status, kind, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        headers = {"Content-Type": kind, "Content-Length": str(len(body))}
        return self.build_response(request, HTTPResponse(io.BytesIO(body), headers, status, preload_content=False))


class Spoken:
    """A client of a venue, with the host that it speaks to; the seconds that it waits between attempts are noted."""

    def __init__(self, venue, *answers, **settings):
        self.venue = venue
        self.host = Host(*answers)
        self.client = venue.make(**settings)
        self.waited = []
        self.clients = [self.client, *([self.client.public] if venue is VENUES["signed"] else [])]
        for one in self.clients:
            one._session.mount("https://", self.host)
        self.client.stop.wait = self.waited.append

    def fetch(self):
        return self.venue.get(self.client, lambda body: json.loads(body)["rows"])


def configured(kind, **settings):
    made = kind()
    for name, value in {"backoff_seconds": 0.0, "max_attempts": 4, **settings}.items():
        setattr(made, name, value)
    return made


def binance(market):
    return lambda **settings: RestClient(configured(BinanceConfiguration, **settings), market=market)


VENUES = {
    "spot": SimpleNamespace(
        make=binance(SPOT_MARKET),
        get=lambda client, decode: client.get("klines", {}, decode),
        time={"serverTime": NOW_MS},
        rows={"rows": [1]},
        refused="Binance, or a proxy on the way to https://data-api.binance.vision, refuses this place or this IP "
        "address (HTTP 403); set sources.binance.market_data_url to another host (https://api-gcp.binance.com, "
        "https://api.binance.us), or run from elsewhere or through a proxy (HTTPS_PROXY)",
    ),
    "um": SimpleNamespace(
        make=binance(UM_MARKET),
        get=lambda client, decode: client.get("fundingRate", {}, decode),
        time={"serverTime": NOW_MS},
        rows={"rows": [1]},
        refused="Binance, or a proxy on the way to https://fapi.binance.com, refuses this place or this IP address "
        "(HTTP 403); run from elsewhere or through a proxy (HTTPS_PROXY), or leave out the datasets of Binance USD-M "
        "futures",
    ),
    "signed": SimpleNamespace(
        make=lambda **settings: SignedClient(configured(BinanceConfiguration, **settings), Signer("K", "S", "a file")),
        get=lambda client, decode: client.get("account", {}, decode),
        time={"serverTime": NOW_MS},
        rows={"rows": [1]},
        refused="Binance, or a proxy on the way to https://api.binance.com, refuses this place or this IP address "
        "(HTTP 403); set sources.binance.api_url to another host (https://api-gcp.binance.com), or run from elsewhere "
        "or through a proxy (HTTPS_PROXY)",
    ),
    "coinbase": SimpleNamespace(
        make=lambda **settings: CoinbaseClient(configured(CoinbaseConfiguration, **settings)),
        get=lambda client, decode: client.get("/products", {}, decode),
        time={"iso": "2025-02-11T12:00:30Z", "epoch": NOW_MS / 1000},
        rows={"rows": [1]},
        refused="Coinbase Exchange, or a proxy on the way to https://api.exchange.coinbase.com, refuses this place or "
        "this IP address (HTTP 403); run from elsewhere or through a proxy (HTTPS_PROXY), or do without Coinbase "
        "Exchange",
    ),
    "okx": SimpleNamespace(
        make=lambda **settings: OkxClient(configured(OkxConfiguration, **settings)),
        get=lambda client, decode: client.get(HISTORY_CANDLES, {}, decode),
        time={"code": "0", "data": [{"ts": str(NOW_MS)}]},
        rows={"code": "0", "rows": [1]},
        refused="OKX, or a proxy on the way to https://www.okx.com, refuses this place or this IP address (HTTP 403); "
        "set sources.okx.base_url to the host of your region (https://openapi.okx.com, https://my.okx.com, "
        "https://eea.okx.com, https://app.okx.com, https://us.okx.com), run from elsewhere or through a proxy "
        "(HTTPS_PROXY), or do without OKX",
    ),
}


@pytest.fixture
def speak():
    """Make a client of a venue whose host gives these answers."""
    made = []

    def open_at(name, *answers, **settings):
        made.append(Spoken(VENUES[name], *answers, **settings))
        return made[-1]

    yield open_at
    for one in made:
        one.client.close()


@pytest.mark.parametrize("name", VENUES)
def test_a_host_that_refuses_the_first_request_twice_does_not_serve_this_place(speak, name):
    spoken = speak(name, PAGE)
    with pytest.raises(GeoBlockedError) as caught:
        spoken.client.server_time_ms()
    assert str(caught.value) == VENUES[name].refused
    assert (len(spoken.host.asked), spoken.waited) == (2, [1.0])


@pytest.mark.parametrize("name", VENUES)
def test_a_host_that_refuses_the_first_request_once_is_asked_again(speak, name):
    spoken = speak(name, PAGE, document(VENUES[name].time))
    assert spoken.client.server_time_ms() == NOW_MS
    assert (len(spoken.host.asked), spoken.waited) == (2, [1.0])


@pytest.mark.parametrize("name", VENUES)
def test_who_wants_one_attempt_gets_one(speak, name):
    spoken = speak(name, PAGE, max_attempts=1)
    with pytest.raises(GeoBlockedError):
        spoken.fetch()
    assert (len(spoken.host.asked), spoken.waited) == (1, [])


@pytest.mark.parametrize("name", ["spot", "um", "signed"])
def test_after_a_success_a_403_is_binances_firewall_and_passes(speak, name):
    spoken = speak(name, document(VENUES[name].time), PAGE, document(VENUES[name].rows), firewall_pause_seconds=1.5)
    spoken.client.server_time_ms()
    began = time.monotonic()
    assert spoken.fetch() == [1]
    assert 1.5 <= time.monotonic() - began < 5
    assert len(spoken.host.asked) == 3


@pytest.mark.parametrize("name", ["coinbase", "okx"])
def test_after_a_success_a_403_of_another_venue_ends_the_run_at_once(speak, name):
    spoken = speak(name, document(VENUES[name].time), PAGE)
    spoken.client.server_time_ms()
    with pytest.raises(GeoBlockedError):
        spoken.fetch()
    assert len(spoken.host.asked) == 2


def test_the_success_of_one_host_is_not_that_of_another(speak):
    spoken = speak("spot", document(VENUES["spot"].time), PAGE)
    spoken.client.server_time_ms()
    with pytest.raises(GeoBlockedError, match=r"on the way to https://api\.binance\.com, refuses this place"):
        spoken.client.get("historicalTrades", {}, json.loads)
    assert spoken.host.asked == [
        "https://data-api.binance.vision/api/v3/time",
        *["https://api.binance.com/api/v3/historicalTrades"] * 2,
    ]


def test_a_refusal_among_other_failures_is_asked_again_once(speak):
    spoken = speak("spot", (502, "text/html", b"<html>"), PAGE, document(VENUES["spot"].time))
    assert spoken.client.server_time_ms() == NOW_MS
    assert spoken.waited == [0.0, 1.0]


ODD = {"of another shape": document({"hello": "world"}), "a list": document([]), "a number": document(5)}
NO_ANSWER = {
    "a page": (200, "text/html", b"<html>welcome</html>"),
    "an error of the server": (503, "application/json", b"{}"),
    "cut off": (200, "application/json", b'{"rows": [1'),
    "not UTF-8": (200, "application/json", b"\xff\xfe"),
}


@pytest.mark.parametrize("answer", ODD)
@pytest.mark.parametrize("name", VENUES)
def test_an_odd_answer_of_the_clock_says_that_the_host_is_reached(speak, name, answer):
    spoken = speak(name, ODD[answer])
    with pytest.raises(UnreachableError) as caught:
        spoken.client.server_time_ms()
    said = str(caught.value)
    assert said.startswith(f"{spoken.client.url} is reached, but does not answer as {spoken.client.service} does: ")
    assert said.endswith(" (3 attempts)")
    assert len(spoken.host.asked) == 3


@pytest.mark.parametrize("name", VENUES)
def test_a_clock_that_names_no_time_says_that_the_host_is_reached(speak, name):
    times = {**VENUES[name].time, "serverTime": -1, "epoch": -1, "data": []}
    spoken = speak(name, document(times))
    with pytest.raises(UnreachableError, match=r" is reached, but .*\(3 attempts\)$"):
        spoken.client.server_time_ms()


class Rows(msgspec.Struct):
    rows: list[int]


def decode_rows(body):
    return msgspec.json.decode(body, type=Rows).rows


@pytest.mark.parametrize("answer", ODD)
@pytest.mark.parametrize("name", VENUES)
def test_an_odd_answer_costs_its_series_alone(speak, name, answer):
    spoken = speak(name, document(VENUES[name].time), ODD[answer])
    spoken.client.server_time_ms()
    with pytest.raises(
        GaveUpError, match=r"^https://[^ ]+ answered, but with what was not expected: .*\(4 attempts\)$"
    ):
        VENUES[name].get(spoken.client, decode_rows)
    assert len(spoken.host.asked) == 1 + 4
    spoken.host.answers = [document(VENUES[name].rows)]
    assert VENUES[name].get(spoken.client, decode_rows) == [1]


@pytest.mark.parametrize("answer", NO_ANSWER)
@pytest.mark.parametrize("name", VENUES)
def test_what_cannot_be_read_is_no_answer(speak, name, answer):
    spoken = speak(name, document(VENUES[name].time), NO_ANSWER[answer])
    spoken.client.server_time_ms()
    with pytest.raises(UnreachableError, match=r" does not answer as .*\(4 attempts\); check the network"):
        VENUES[name].get(spoken.client, decode_rows)


@pytest.mark.parametrize("host", OKX_HOSTS)
def test_the_hosts_of_okx_are_one_exchange(host):
    venue = Okx(
        check_request(["A"], ["1m"], ["symbols"], known_datasets=["symbols"]),
        configured(OkxConfiguration, base_url=f"https://{host}.okx.com"),
    )
    assert venue.origin().exchange == "OKX"
    venue.close()


@pytest.mark.parametrize("host", OKX_HOSTS)
@pytest.mark.parametrize("port", ["", ":443"])
def test_a_host_of_okx_that_is_blocked_names_the_others(speak, host, port):
    spoken = speak("okx", document({"code": "50121", "msg": "not here"}), base_url=f"https://{host}.okx.com{port}")
    with pytest.raises(GeoBlockedError) as caught:
        spoken.client.server_time_ms()
    named = {other for other in OKX_HOSTS if f"https://{other}.okx.com" in str(caught.value).partition("; ")[2]}
    assert named == set(OKX_HOSTS) - {host}
    assert len(spoken.host.asked) == 1


def test_okx_is_asked_at_its_usual_host():
    assert OkxConfiguration().base_url == "https://www.okx.com"
