"""Names, patterns and quote assets to symbols, delisted ones among them, and to a source; by hand."""

import pytest

from binance_source.archive.errors import ArchiveFileError, ArchiveUnreachableError
from binance_source.origin import archived_symbols, choose_source
from binance_source.settings import BinanceConfiguration
from exchange_engine.http.errors import StoppedError
from exchange_engine.request import RequestError
from exchange_engine.symbols import Assets, has_patterns, resolve

EXCHANGE = {
    "BTCUSDT": Assets("BTC", "USDT"),
    "ETHUSDT": Assets("ETH", "USDT"),
    "ETHBTC": Assets("ETH", "BTC"),
    "ADAEUR": Assets("ADA", "EUR"),
    "AEURUSDT": Assets("AEUR", "USDT"),
    "BTCTUSD": Assets("BTC", "TUSD"),
    "1000SATSUSDT": Assets("1000SATS", "USDT"),
    "BUSDUSDT": Assets("BUSD", "USDT"),
    "BNBBUSD": Assets("BNB", "BUSD"),
}
ARCHIVE = ["BTCUSDT", "ETHUSDT", "LUNAUSDT", "ETHBUSD", "NANOBTC", "ADABTC"]
"""LUNAUSDT, ETHBUSD, NANOBTC and ADABTC are delisted."""


def symbols(*names, quotes=(), exchange=EXCHANGE, archive=ARCHIVE):
    return list(resolve(names, quotes, exchange, archive))


def test_names_stay_in_their_order():
    assert symbols("ETHUSDT", "BTCUSDT", "LUNAUSDT") == ["ETHUSDT", "BTCUSDT", "LUNAUSDT"]


@pytest.mark.parametrize("word", ["all", "ALL", "All"])
def test_all_is_every_symbol_of_the_exchange_and_of_the_archive(word):
    assert symbols(word) == sorted({*EXCHANGE, *ARCHIVE})


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*USDT", ["1000SATSUSDT", "AEURUSDT", "BTCUSDT", "BUSDUSDT", "ETHUSDT", "LUNAUSDT"]),
        ("ETH*", ["ETHBTC", "ETHBUSD", "ETHUSDT"]),
        ("?DA*", ["ADABTC", "ADAEUR"]),
        ("[BE]*USDT", ["BTCUSDT", "BUSDUSDT", "ETHUSDT"]),
        ("1000*", ["1000SATSUSDT"]),
        ("*", sorted({*EXCHANGE, *ARCHIVE})),
    ],
)
def test_a_pattern_finds_listed_and_delisted_symbols_by_the_alphabet(pattern, expected):
    assert symbols(pattern) == expected


def test_names_and_patterns_together_name_each_symbol_once_in_the_order_given():
    assert symbols("LUNAUSDT", "ETH*", "*BTC", "LUNAUSDT") == [
        "LUNAUSDT",
        "ETHBTC",
        "ETHBUSD",
        "ETHUSDT",
        "ADABTC",
        "NANOBTC",
    ]


@pytest.mark.parametrize("name", ["BTCUSD", "btcusdt", "XXXUSDT"])
def test_an_unknown_name_is_refused_with_the_nearest(name):
    with pytest.raises(RequestError, match=repr(name)):
        symbols("ETHUSDT", name)
    with pytest.raises(RequestError, match=r"did you mean .*BTCUSDT"):
        symbols("BTCUSD")


@pytest.mark.parametrize("pattern", ["*XYZ", "btc*", "[", "??"])
def test_a_pattern_that_finds_nothing_is_refused(pattern):
    with pytest.raises(RequestError, match="no symbol matches"):
        symbols(pattern)


@pytest.mark.parametrize(
    ("quotes", "expected"),
    [
        (["BTC"], ["ADABTC", "ETHBTC", "NANOBTC"]),
        (["EUR"], ["ADAEUR"]),
        (["TUSD"], ["BTCTUSD"]),
        (["USDT"], ["1000SATSUSDT", "AEURUSDT", "BTCUSDT", "BUSDUSDT", "ETHUSDT", "LUNAUSDT"]),
        (["BUSD"], ["BNBBUSD", "ETHBUSD"]),
        (["EUR", "TUSD"], ["ADAEUR", "BTCTUSD"]),
    ],
)
def test_quote_assets_choose_among_all(quotes, expected):
    assert symbols("all", quotes=quotes) == expected


def test_quote_assets_choose_among_names_and_patterns_too():
    assert symbols("ETHUSDT", "ETHBTC", "BTC*", quotes=["USDT"]) == ["ETHUSDT", "BTCUSDT"]


def test_a_delisted_symbol_is_cut_where_a_known_asset_is_left():
    """ADAEUR, forgotten by exchangeInfo, is ADA in EUR and not AD in AEUR, where ADA is known and both are quotes."""
    exchange = {"ADABTC": Assets("ADA", "BTC"), "XEUR": Assets("X", "EUR"), "XAEUR": Assets("X", "AEUR")}
    archive = ["ADAEUR", "ZZAEUR"]
    assert symbols("all", quotes=["EUR"], exchange=exchange, archive=archive) == ["ADAEUR", "XEUR"]
    # Of two assets of which neither leaves a known one the longer is taken.
    assert symbols("all", quotes=["AEUR"], exchange=exchange, archive=archive) == ["XAEUR", "ZZAEUR"]


def test_a_symbol_that_is_a_quote_asset_by_itself_has_none():
    with pytest.raises(RequestError, match="none of the symbols"):
        symbols("BTC", quotes=["BTC"], exchange={"ETHBTC": Assets("ETH", "BTC")}, archive=["BTC"])


def test_a_quote_asset_that_only_delisted_symbols_have_is_found():
    """exchangeInfo forgets quote assets as it forgets symbols: the archive still has them."""
    exchange = {"BTCUSDT": Assets("BTC", "USDT")}
    assert symbols("all", quotes=["BUSD"], exchange=exchange, archive=["BTCUSDT", "BTCBUSD"]) == ["BTCBUSD"]


@pytest.mark.parametrize("quote", ["usdt", "USD", "XXX", ""])
def test_a_quote_asset_that_does_not_exist_is_refused(quote):
    with pytest.raises(RequestError):
        symbols("all", quotes=[quote])


def test_a_quote_asset_that_none_of_the_symbols_has_is_refused():
    with pytest.raises(RequestError, match="none of the symbols has the quote asset EUR or TUSD"):
        symbols("*USDT", quotes=["EUR", "TUSD"])


def test_without_exchange_info_symbols_are_cut_by_the_quotes_asked_for():
    """With --source archive alone the exchange need not be asked."""
    assert symbols("all", quotes=["USDT"], exchange={}, archive=ARCHIVE) == ["BTCUSDT", "ETHUSDT", "LUNAUSDT"]
    assert symbols("*", exchange={}, archive=["B", "A", "A"]) == ["A", "B"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["all"], ["A-USDT", "C-USDT"]),
        (["*-USDT"], ["A-USDT", "C-USDT"]),
        (["B-USDT"], ["B-USDT"]),
        (["*", "B-USDT"], ["A-USDT", "C-USDT", "B-USDT"]),
    ],
)
def test_patterns_do_not_mean_what_is_unlisted_and_its_own_name_does(names, expected):
    exchange = {f"{base}-USDT": Assets(base, "USDT") for base in "ABC"}
    assert list(resolve(names, (), exchange, unlisted={"B-USDT"})) == expected


def test_a_pattern_that_finds_unlisted_symbols_alone_is_refused():
    with pytest.raises(RequestError, match=r"no symbol matches 'B\*'"):
        resolve(["B*"], (), {"B-USDT": Assets("B", "USDT"), "A-USDT": Assets("A", "USDT")}, unlisted={"B-USDT"})


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["BTCUSDT"], False),
        (["BTCUSDT", "*BTC"], True),
        (["all"], True),
        (["ALL"], True),
        (["ALLUSDT"], False),
        ([], False),
    ],
)
def test_only_patterns_and_all_have_to_be_looked_up(names, expected):
    assert has_patterns(names) is expected


REAL = "https://data-api.binance.vision"
REAL_ARCHIVE = "https://data.binance.vision"
REAL_LISTING = "https://s3-ap-northeast-1.amazonaws.com/data.binance.vision"
LOCAL = "http://127.0.0.1:8080"


def hosts(market_data, archive, listing):
    made = BinanceConfiguration()
    made.market_data_url, made.archive_url, made.archive_listing_url = market_data, archive, listing
    return made


@pytest.mark.parametrize(
    ("configuration", "asked", "needs_rest", "expected"),
    [
        (hosts(REAL, REAL_ARCHIVE, REAL_LISTING), "auto", True, "auto"),
        (hosts("https://api.binance.com", REAL_ARCHIVE, REAL_LISTING), "auto", True, "auto"),
        (hosts(REAL, REAL_ARCHIVE, REAL_LISTING), "archive", True, "archive"),
        (hosts(LOCAL, LOCAL, "http://localhost:9090/"), "auto", True, "auto"),
        # REST of one exchange and the archive of another: they are not mixed.
        (hosts(LOCAL, REAL_ARCHIVE, REAL_LISTING), "auto", True, "rest"),
        (hosts(LOCAL, REAL_ARCHIVE, REAL_LISTING), "rest", True, "rest"),
        (hosts("https://api.binance.us", REAL_ARCHIVE, REAL_LISTING), "auto", True, "rest"),
        (hosts("https://testnet.binance.vision", REAL_ARCHIVE, REAL_LISTING), "auto", True, "rest"),
        (hosts(REAL, LOCAL, REAL_LISTING), "auto", True, "rest"),
        # Where REST is not spoken to it does not matter whose it is.
        (hosts(LOCAL, REAL_ARCHIVE, REAL_LISTING), "archive", False, "archive"),
    ],
)
def test_archive_and_rest_are_of_one_exchange(configuration, asked, needs_rest, expected):
    assert choose_source(configuration, asked, needs_rest) == expected


@pytest.mark.parametrize(
    ("configuration", "needs_rest"),
    [
        (hosts(LOCAL, REAL_ARCHIVE, REAL_LISTING), True),
        (hosts(REAL, LOCAL, REAL_LISTING), True),
        (hosts(REAL, LOCAL, REAL_LISTING), False),
    ],
)
def test_an_archive_that_was_asked_for_and_is_of_another_exchange_is_refused(configuration, needs_rest):
    with pytest.raises(RequestError, match="different exchanges"):
        choose_source(configuration, "archive", needs_rest)


class Archive:
    """Lists folders; fails where it has nothing to say."""

    def __init__(self, folders, error=None):
        self._folders, self._error = folders, error

    def folders(self, prefix):
        if self._error is not None:
            raise self._error
        return self._folders.get(prefix, [])


def test_archived_symbols_are_those_of_any_dataset_by_month_or_by_day():
    archive = Archive(
        {
            "data/spot/monthly/klines/": ["BTCUSDT", "LUNAUSDT"],
            "data/spot/daily/klines/": ["BTCUSDT", "NEWUSDT"],
            "data/spot/daily/trades/": ["ETHUSDT"],
            "data/spot/daily/aggTrades/": ["NOTASKED"],
        }
    )
    found = archived_symbols(archive, 2, ["klines", "trades", "symbols", "tickers_24h"], is_needed=True)
    assert found == {"BTCUSDT", "LUNAUSDT", "NEWUSDT", "ETHUSDT"}
    assert archived_symbols(archive, 2, ["symbols"], is_needed=True) == frozenset()


@pytest.mark.parametrize("error", [ArchiveUnreachableError("gone"), ArchiveFileError("not a listing")])
def test_an_archive_that_cannot_be_listed_is_done_without_only_where_it_is_not_needed(error):
    assert archived_symbols(Archive({}, error), 2, ["klines"], is_needed=False) == frozenset()
    with pytest.raises(type(error)):
        archived_symbols(Archive({}, error), 2, ["klines"], is_needed=True)


def test_a_stop_is_no_reason_to_do_without_the_archive():
    with pytest.raises(StoppedError):
        archived_symbols(Archive({}, StoppedError()), 2, ["klines"], is_needed=False)
