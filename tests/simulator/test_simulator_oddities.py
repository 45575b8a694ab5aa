"""Oddities: what each of them changes in an answer, and that nothing is changed without them."""

import json
from decimal import ROUND_HALF_EVEN, Decimal
from urllib.request import urlopen

import pytest

from exchange_simulator import running_simulator
from exchange_simulator.oddities import ODDITIES

CANDLES = "/coinbase/products/BTC-USD/candles?granularity=60&start=2025-02-11T11:00:00Z&end=2025-02-11T11:59:00Z"
OKX_CANDLES = "/okx/api/v5/market/history-candles?instId=BTC-USDT&bar=1m&after=1739275200000&limit=60"
FUNDING = "/okx/api/v5/public/funding-rate-history?instId=BTC-USDT-SWAP&limit=6"
SPOT_INFO = "/api/v3/exchangeInfo"
UM_FUNDING = "/fapi/v1/fundingRate?symbol=BTCUSDT&startTime=1739145600000&endTime=1739232000999"
INSTRUMENTS = "/okx/api/v5/public/instruments?instType=SPOT"


@pytest.fixture(scope="module")
def simulator():
    with running_simulator(market="tests", clock="2025-02-11T12:00:30", clock_mode="frozen", no_limits=True) as made:
        yield made


@pytest.fixture
def asked(simulator):
    """Asks for a path without oddities, then with some."""

    def ask(path, *names):
        bodies = []
        for is_on in (False, True):
            simulator.set_oddities(**dict.fromkeys(names, is_on))
            with urlopen(f"{simulator.url}{path}") as response:
                bodies.append(json.loads(response.read(), parse_float=str))
        simulator.set_oddities(**dict.fromkeys(names, False))
        return bodies

    return ask


def test_placeholders_have_a_type_and_a_state_and_some_a_name(asked):
    before, after = (body["data"] for body in asked(INSTRUMENTS, "okx_placeholders"))
    assert after[: len(before)] == before
    odd = after[len(before) :]
    assert [(row["instId"], row["instType"], row["state"]) for row in odd] == [
        ("", "SPOT", "preopen"), ("", "SPOT", "preopen"), ("LISTING-SPOT-SLX-USDT", "SPOT", "preopen"),
    ]  # fmt: skip
    assert {row[name] for row in odd for name in ("tickSz", "lotSz", "minSz", "baseCcy", "quoteCcy")} == {""}


def test_an_unreadable_instrument_has_no_time_for_its_listing(asked):
    before, after = (body["data"] for body in asked(INSTRUMENTS, "okx_unreadable_instrument"))
    assert after[:-1] == before
    assert (after[-1]["instId"], after[-1]["listTime"]) == ("ODD-USDT", "soon")


def test_candles_of_okx_get_a_column_and_one_is_never_confirmed(asked):
    before, after = (body["data"] for body in asked(OKX_CANDLES, "okx_extra_columns", "okx_unconfirmed_candle"))
    assert {len(row) for row in before} == {9}
    assert {len(row) for row in after} == {10}
    assert [row[0] for row in after if row[8] == "0"] == ["1739273820000"]  # 11:37
    assert [row[:8] for row in after] == [row[:8] for row in before]


def test_rates_of_okx_are_empty_or_there_twice(asked):
    before, after = (body["data"] for body in asked(FUNDING, "okx_empty_realized_rate", "okx_close_settlements"))
    hours = {row["fundingTime"]: int(row["fundingTime"]) // 3_600_000 % 24 for row in before}
    assert [row["realizedRate"] == "" for row in after if row["fundingTime"] in hours] == [
        hours[row["fundingTime"]] == 16 for row in before
    ]
    added = [row for row in after if row["fundingTime"] not in hours]
    originals = [row for row in before if hours[row["fundingTime"]] == 8]
    assert [int(row["fundingTime"]) - 5_000 for row in added] == [int(row["fundingTime"]) for row in originals]
    assert [row["realizedRate"] for row in added] == [row["realizedRate"] for row in originals]


def test_a_candle_of_coinbase_is_there_twice(asked):
    before, after = asked(CANDLES, "coinbase_doubled_candles")
    assert len(after) == len(before) + 1
    [at] = [at for at in range(1, len(after)) if after[at] == after[at - 1]]
    assert after[:at] + after[at + 1 :] == before


def test_noise_of_volumes_lies_behind_the_eighteenth_decimal(asked):
    before, after = asked(CANDLES, "coinbase_noisy_volume")
    noisy = [(old[5], new[5]) for old, new in zip(before, after, strict=True) if old != new]
    assert 5 <= len(noisy) <= 9
    place = Decimal(1).scaleb(-18)
    for old, new in noisy:
        assert len(new.partition(".")[2]) > 18
        assert Decimal(new).quantize(place, ROUND_HALF_EVEN) == Decimal(old) != Decimal(new)
    assert {new[-1] for _, new in noisy} == {"5", "3"}


def test_products_without_increment_name_or_sense(asked):
    before, after = asked("/coinbase/products", "coinbase_empty_increment", "coinbase_odd_row")
    assert after[: len(before)] == before
    empty, nameless, bad = after[len(before) :]
    assert (empty["id"], empty["quote_increment"]) == ("ODD-USD", "")
    assert "id" not in nameless
    assert (bad["id"], bad["trading_disabled"]) == ("BAD-USD", "maybe")


def test_exchange_info_with_a_fine_step_odd_rows_and_a_change(asked):
    before, after = asked(SPOT_INFO, "binance_fine_step", "binance_odd_rows", "binance_symbol_change")
    names = [row["symbol"] for row in before["symbols"]]
    assert [row["symbol"] for row in after["symbols"]] == [*names, "ODDCOIN", "", names[0]]
    assert "status" not in after["symbols"][len(names)]
    odd = after["symbols"][names.index("ETHUSDT")]
    rules = {rule["filterType"]: rule for rule in odd["filters"]}
    assert odd["status"] == "BREAK"
    assert (rules["LOT_SIZE"]["stepSize"], rules["PRICE_FILTER"]["tickSize"]) == ("0.0000000001", "0.10000000")


def test_klines_get_a_column(asked):
    before, after = asked("/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=3", "binance_extra_columns")
    assert [row[:-1] for row in after] == before


def test_settlements_of_binance_are_there_twice_and_contradict_each_other(asked):
    before, after = asked(UM_FUNDING, "binance_close_settlements")
    added = [row for row in after if row not in before]
    first, second, last = added
    assert [(row["fundingTime"] + 60_000) // 3_600_000 % 24 for row in added] == [0, 8, 0]
    assert second["fundingRate"] == "0.12345678"
    for row in (first, last):
        [original] = [one for one in before if one["fundingTime"] == row["fundingTime"] - 7]
        assert original["fundingRate"] == row["fundingRate"]


def test_what_is_no_oddity_is_refused_with_their_names(simulator):
    with pytest.raises(ValueError, match="okx_placeholders"):
        simulator.set_oddities(none=True)
    with pytest.raises(ValueError, match="each true or false"):
        simulator.set_oddities(okx_placeholders="yes")
    with pytest.raises(RuntimeError, match="none = True is no oddity; there are okx_placeholders"):
        running_simulator(oddities="none").__enter__()
    with running_simulator(market="tests", oddities="okx_placeholders,binance_odd_rows") as other:
        switched = other.set_oddities()
    assert [name for name, is_on in switched.items() if is_on] == ["okx_placeholders", "binance_odd_rows"]
    assert set(switched) == set(ODDITIES)
