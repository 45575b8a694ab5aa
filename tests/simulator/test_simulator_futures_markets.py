"""Market files with futures and an account: what they may say, and what is refused by name."""

import re

import pytest
import tomlkit

from exchange_simulator.market.config import parse_market
from exchange_simulator.market.config_tables import MarketFileError

SPOT = """
[[symbol]]
name = "AUSDT"
base_asset = "A"
quote_asset = "USDT"
price = "2.5"
usual_quantity = "10"
volatility = 70
listed = 2025-01-01
"""
CONTRACT = """
[[um]]
name = "{name}"
tick_size = "0.001"
usual_quantity = "1"
listed = 2025-01-02
{more}
"""


def market(text):
    return parse_market(tomlkit.parse(SPOT + text).unwrap())


def test_a_contract_takes_from_its_symbol_what_it_does_not_say():
    contract = market(CONTRACT.format(name="AUSDT_250328", more="")).contracts[0]
    assert (contract.symbol.base_asset, contract.symbol.quote_asset, contract.symbol.volatility) == ("A", "USDT", 70)
    terms = contract.terms
    assert (terms.follows, terms.pair, terms.contract_type) == ("AUSDT", "AUSDT", "PERPETUAL")
    assert contract.symbol.base_price == 2500
    assert [change.hours for change in terms.funding] == [8]


def test_a_contract_can_be_many_units_of_its_symbol():
    more = 'follows = "AUSDT"\nmultiplier = 1000\nbase_asset = "1000A"\nfunding = []'
    contract = market(CONTRACT.format(name="1000AUSDT", more=more)).contracts[0]
    assert (contract.symbol.base_price, contract.symbol.base_asset) == (2_500_000, "1000A")
    assert contract.terms.funding == ()


def test_a_market_without_futures_and_account_has_none():
    plain = market("")
    assert (plain.contracts, plain.account.deposits, plain.account.habits) == ((), (), ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CONTRACT.format(name="BUSDT", more=""), "um BUSDT: it follows BUSDT, which is no [[symbol]]"),
        (CONTRACT.format(name="AUSDT", more="multiplier = 0"), "um AUSDT: multiplier = 0 is not between"),
        (CONTRACT.format(name="AUSDT", more="funding = [{ hours = 3 }]"), "hours = 3 is not one of 1, 2, 4, 8"),
        (
            CONTRACT.format(name="AUSDT", more="funding = [{ hours = 8 }, { start = 2025-01-01, hours = 4 }]"),
            "um AUSDT: the changes of funding must be in the order of their start",
        ),
        (CONTRACT.format(name="AUSDT", more='price = "3"'), "um AUSDT: price is that of AUSDT"),
        (CONTRACT.format(name="AUSDT", more="") * 2, "um names used twice: AUSDT"),
        (CONTRACT.format(name="AUSDT", more="nonsense = 1"), "unknown key nonsense"),
        ("[futures]\nnonsense = 1", "futures: unknown key nonsense"),
        ('[account]\ntrades = [{ symbol = "BUSDT" }]', "BUSDT is no [[symbol]]"),
        ('[account]\ntrades = [{ symbol = "AUSDT", every_days = 0 }]', "must be 1 or more"),
        ('[account]\ndeposit = [{ asset = "A" }]', "free"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(text, message):
    with pytest.raises(MarketFileError, match=re.escape(message)):
        market(text)


def test_a_file_of_ones_own_is_served(start, tmp_path):
    file = tmp_path / "market.toml"
    file.write_text(SPOT + CONTRACT.format(name="AUSDT", more="") + CONTRACT.format(name="AUSDT_250328", more=""))
    client = start(market=file, clock="2025-02-01", clock_mode="frozen")

    def names(path):
        answer = client.session.get(f"{client.simulator.url}/fapi/v1/{path}", timeout=30).json()
        return [row["symbol"] for row in (answer["symbols"] if path == "exchangeInfo" else answer)]

    assert names("exchangeInfo") == names("premiumIndex") == ["AUSDT", "AUSDT_250328"]
    assert client.simulator.truth("funding_rates", "AUSDT").num_rows == 30 * 3 - 1
    assert client.simulator.truth("account_trades", "AUSDT").num_rows == 0
    with pytest.raises(ValueError, match="symbol 'BUSDT' is not listed"):
        client.simulator.truth("funding_rates", "BUSDT")
    with pytest.raises(ValueError, match="market 'cm' is not one of spot, um"):
        client.simulator.truth("klines", "AUSDT", "1h", market="cm")
