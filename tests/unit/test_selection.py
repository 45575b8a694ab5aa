"""Names, patterns and quote assets to symbols, delisted ones among them; by hand."""

import pytest

from binance_source.request import RequestError
from binance_source.selection import Assets, has_patterns, resolve

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
