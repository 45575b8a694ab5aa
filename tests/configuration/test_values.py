"""Each key of [sources.binance], with values that cannot be meant: refused by key, place and what would be right."""

import pytest
import tomlkit

from binance_source.settings import BinanceConfiguration
from exchange_engine.config.providers import ConfigurationError

NUMBERS = {
    "archive_connections": ("a whole number from 1 to 1,000", "0", "1001"),
    "archive_samples": ("a whole number from 0 to 1,000", "-1", "1001"),
    "connections": ("a whole number from 1 to 1,000", "0", "1001"),
    "timeout_seconds": ("a number above 0 and at most 3,600", "0", "3601"),
    "max_attempts": ("a whole number from 1 to 100", "0", "101"),
    "backoff_seconds": ("a number from 0 to 3,600", "-0.1", "3600.5"),
    "weight_share": ("a number above 0 and at most 1", "0", "1.01"),
    "ban_patience_seconds": ("a number from 0 to 2,592,000", "-1", "2592001"),
    "firewall_pause_seconds": ("a number from 0 to 86,400", "-1", "86401"),
    "klines_lookback_days": ("a number above 0 and at most 20,000", "0", "20001"),
    "trades_lookback_hours": ("a number above 0 and at most 480,000", "0.0", "480001"),
    "recv_window_ms": ("a whole number from 1 to 60,000", "0", "60001"),
    "package_rows": ("a whole number from 1 to 1,000,000,000", "0", "1000000001"),
    "package_seconds": ("a number above 0 and at most 86,400", "0", "86401"),
}
"""What each number may be, in words, and the nearest values below and above that it may not."""

URLS = ("market_data_url", "api_url", "futures_url", "archive_url", "archive_listing_url")

LISTS = {"open_interest_periods": ("5m, 15m, 30m, 1h, 2h, 4h, 6h, 12h, 1d", '["5m", "1d"]')}
"""What the names of each list may be, in words, and a list that is taken."""

NO_NUMBERS = ('"many"', '""', "true", "[1]", "{a = 1}", "nan", "inf", "-inf", "1e400", "2025-01-01", "-1e300")

WRONG_URLS = {
    "a URL such as https://data-api.binance.vision": (
        '"127.0.0.1:80"', '"data-api.binance.vision"', '"ftp://data-api.binance.vision"', '"https://"', '"https:///api"',
        '"https://host:port"', '"https://host:0"', '"https://host:99999"', '"https://[::1"', '"https://a b"', '""',
        '"https://a\\nb"', "5", "true", '["https://a"]', '"javascript:alert(1)"',
    ),
    "a URL without user name and password": ('"https://user:hunter2@host"', '"https://hunter2@host"'),
    "a URL without a query": ('"https://host?key=hunter2"', '"https://host#hunter2?"'),
    "a URL with https://": ('"http://data-api.binance.vision"', '"http://10.0.0.1"', '"http://localhost.example"'),
}  # fmt: skip


def test_every_key_is_covered_here():
    assert {*NUMBERS, *URLS, *LISTS} == set(BinanceConfiguration().get_resolvable_fields())


def refusal(key, value):
    """Return what is said of a value, as TOML has it, or None where it is taken."""
    configuration = BinanceConfiguration()
    setattr(configuration, key, tomlkit.parse(f"value = {value}").unwrap()["value"])
    try:
        configuration.resolve()
    except ConfigurationError as error:
        return str(error)
    return None


@pytest.mark.parametrize("key", NUMBERS)
def test_a_number_that_is_none_or_out_of_its_range_is_refused(key):
    right, below, above = NUMBERS[key]
    for value in (below, above, *NO_NUMBERS, *(["1.5", '"1.5"'] if "whole" in right else [])):
        assert f"sources.binance.{key} is " in refusal(key, value)
        assert f"; it must be {right} (set by the program)" in refusal(key, value)


@pytest.mark.parametrize("key", URLS)
def test_an_address_that_is_none_or_cannot_be_trusted_is_refused(key):
    for right, values in WRONG_URLS.items():
        for value in values:
            said = refusal(key, value)
            assert f"sources.binance.{key} is " in said
            assert f"; it must be {right}" in said
            assert "hunter2" not in said


@pytest.mark.parametrize("key", [*NUMBERS, *URLS])
def test_the_place_of_a_wrong_value_is_named_before_anything_is_asked(command, exchange, key):
    refused = f"sources.binance.{key} is not shown here; it must be a"
    command.restore()
    command.set(key, '"user:hunter2@host"')
    done = command.run()
    command.assert_refused(done, 2, refused, f"(set by {command.config})")
    command.restore()
    done = command.run(**{key: "-"})
    command.assert_refused(
        done, 2, f"sources.binance.{key} is '-'", f"(set by the variable SOURCES__BINANCE__{key.upper()})"
    )
    assert not command.database.exists()
    assert exchange.stats()["requests"] == 0


def test_the_nearest_right_values_are_taken(command, exchange):
    command.set("connections", "1_000")
    done = command.run(
        "--datasets", "symbols", "--symbols", "BTCUSDT", market_data_url=f"{exchange.url}/", timeout_seconds="3600",
        weight_share=1, archive_samples="0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_variables_of_other_programs_are_not_taken_for_ours(command, exchange):
    others = {"API_URL": "https://elsewhere.invalid", "CONNECTIONS": "lots", "MARKET_DATA_URL": "x", "SYMBOLS": "X"}
    done = command.run("--datasets", "symbols", "--symbols", "BTCUSDT", environment=others)
    assert done.returncode == 0, done.stderr


def test_a_variable_wins_over_secrets_and_those_over_the_configuration(command):
    command.set("connections", "0")
    command.secrets.write_text("[sources.binance]\nconnections = -1\n")
    command.assert_refused(command.run(), 2, "connections is -1;", f"(set by {command.secrets})")
    done = command.run(connections="-2")
    command.assert_refused(done, 2, "connections is '-2';", "(set by the variable SOURCES__BINANCE__CONNECTIONS)")


@pytest.mark.parametrize("key", LISTS)
def test_a_list_with_names_that_there_are_not_is_refused(key):
    right, taken = LISTS[key]
    assert refusal(key, taken) is None
    for value in ('["3m"]', "[]", '""', "5", "true", '[""]', "[5]", '"5m,x"', '"[5m"'):
        assert f"it must be a list of names, of {right}" in refusal(key, value)
