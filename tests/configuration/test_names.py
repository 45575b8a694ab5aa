"""Names that nothing reads, and files that cannot be read: a slip is found, and the nearest right name is given."""

import re

import pytest
import tomlkit

from binance_source.settings import SECTIONS as SECTIONS_OF_BINANCE
from binance_source.settings import BinanceConfiguration
from coinbase_source.settings import CoinbaseConfiguration
from okx_source.settings import OkxConfiguration

BELOW = {
    "conections = 3": ("sources.binance.conections", "did you mean connections?"),
    "Symbols = ['A']": ("sources.binance.Symbols", "did you mean symbols?"),
    "market-data-url = 'x'": ("sources.binance.market-data-url", "did you mean market_data_url?"),
    "start = '2020-01-01'": ("sources.binance.start", "unknown"),
    "verify = false": ("sources.binance.verify", "unknown"),
    "zzz = 1": ("sources.binance.zzz", "see .dlt/config.toml for the keys that there are"),
    "klines = {}": ("sources.binance.klines", "unknown"),
}
"""Lines below [sources.binance], and what is said of them."""

SECTIONS = {
    "[source.binance]\nconnections = 3": ("[source]", "did you mean [sources.binance]?"),
    "[Sources.binance]\nconnections = 3": ("[Sources]", "did you mean [sources.binance]?"),
    "[sources.binanc]\nconnections = 3": ("[sources.binanc]", "did you mean [sources.binance]?"),
    "[sources.Binance]\nconnections = 3": ("[sources.Binance]", "did you mean [sources.binance]?"),
    "[binance]\nconnections = 3": ("[binance]", "did you mean [sources.binance]?"),
    "[sources.coinbas]\nconnections = 3": ("[sources.coinbas]", "did you mean [sources.coinbase]?"),
    "[okx]\nconnections = 3": ("[okx]", "did you mean [sources.okx]?"),
    "[sources.okx]\nbase_ulr = 'x'": ("sources.okx.base_ulr", "did you mean base_url?"),
    "[destinations.market]\ncredentials = 'x'": ("[destinations]", "did you mean [destination.market]?"),
    "[destination.markets]\ncredentials = 'x'": ("[destination.markets]", "did you mean [destination.market]?"),
}

VARIABLES = {
    "SOURCES__BINANCE__CONECTIONS": "did you mean SOURCES__BINANCE__CONNECTIONS?",
    "SOURCES__BINANCE__MARKETDATAURL": "did you mean SOURCES__BINANCE__MARKET_DATA_URL?",
    "SOURCES__BINANCE__CONNECTIONS__X": "did you mean SOURCES__BINANCE__CONNECTIONS?",
    "SOURCES_BINANCE_CONNECTIONS": "did you mean SOURCES__BINANCE__CONNECTIONS?",
    "SOURCES__BINANCE_SYMBOLS": "did you mean SOURCES__BINANCE__SYMBOLS?",
    "SOURCE__BINANCE__SYMBOLS": "did you mean SOURCES__BINANCE__SYMBOLS?",
    "sources__binance__symbols": "did you mean SOURCES__BINANCE__SYMBOLS?",
    "SOURCES__BINANCE__symbols": "did you mean SOURCES__BINANCE__SYMBOLS?",
    "SOURCES__COINBASE__CONNECTION": "did you mean SOURCES__COINBASE__CONNECTIONS?",
    "SOURCES__OKX__API_URL": "did you mean SOURCES__OKX__BASE_URL?",
    "DESTINATION_MARKET_CREDENTIALS": "did you mean DESTINATION__MARKET__CREDENTIALS?",
    "DESTINATIONS__MARKET__CREDENTIALS": "did you mean DESTINATION__MARKET__CREDENTIALS?",
}


@pytest.mark.parametrize("line", BELOW)
@pytest.mark.parametrize("file", ["config", "secrets"])
def test_an_unknown_key_is_named(command, exchange, line, file):
    path = getattr(command, file)
    before = command.default if file == "config" else "[sources.binance]\n"
    path.write_text(before.replace("[sources.binance]\n", f"[sources.binance]\n{line}\n"))
    wrong, right = BELOW[line]
    command.assert_refused(command.run(), 2, f"{wrong} in {path} is unknown; ", right)
    assert exchange.stats()["requests"] == 0


@pytest.mark.parametrize("text", SECTIONS)
def test_a_section_that_is_almost_ours_is_named(command, exchange, text):
    command.secrets.write_text(text)
    wrong, right = SECTIONS[text]
    command.assert_refused(command.run(), 2, f"{wrong} in {command.secrets} is unknown; {right}")
    assert exchange.stats()["requests"] == 0


def test_a_key_above_all_sections_is_named(command):
    command.config.write_text(f"connections = 3\n{command.default}")
    command.assert_refused(
        command.run(), 2, f"connections in {command.config} is unknown; it belongs below [sources.binance]"
    )


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_that_is_almost_ours_is_named(command, exchange, name):
    done = command.run(environment={name: "hunter2"})
    command.assert_refused(done, 2, f"the variable {name} is unknown; {VARIABLES[name]}")
    assert "hunter2" not in done.stderr
    assert exchange.stats()["requests"] == 0


def test_what_dlt_and_others_read_is_left_alone(command):
    command.secrets.write_text("[sources.binance.data_writer]\nbuffer_max_items = 5\n[sources.kraken]\nx = 1\n")
    others = {"SOURCES__BINANCE__DATA_WRITER__BUFFER_MAX_ITEMS": "7", "SOURCES__KRAKEN__BASE_URL": "x", "BINANCE": "1"}
    done = command.run("--datasets", "symbols", "--symbols", "BTCUSDT", environment=others)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["api_key", "api_secret"])
def test_a_secret_in_the_file_that_is_shared_is_refused_and_not_shown(command, exchange, name):
    command.set(name, '"hunter2"')
    done = command.run()
    command.assert_refused(
        done, 2, f"sources.binance.{name} stands in {command.config}", "move it to .dlt/secrets.toml"
    )
    assert "hunter2" not in done.stderr
    assert exchange.stats()["requests"] == 0


DAMAGES = {
    "not UTF-8": b'symbols = ["\xff\xfe"]',
    "is not TOML": b'symbols = ["BTCUSDT"',
    "at line 1": b"[sources.binance\nx = 1",
    '"x" already exists': b"[sources.binance]\nx = 1\nx = 2",
    "is not TOML: ": b"\x00\x01",
}


@pytest.mark.parametrize("said", DAMAGES)
@pytest.mark.parametrize("file", ["config", "secrets"])
def test_a_file_that_cannot_be_read_is_named(command, exchange, said, file):
    path = getattr(command, file)
    path.write_bytes(DAMAGES[said])
    command.assert_refused(command.run(), 2, str(path), said)
    assert exchange.stats()["requests"] == 0


@pytest.mark.parametrize("is_folder", [False, True], ids=["no file", "a folder"])
def test_a_configuration_that_is_missing_is_named(command, is_folder):
    command.config.unlink()
    if is_folder:
        command.config.mkdir()
    command.assert_refused(command.run(), 2, f"{command.config} is missing; get it back: git checkout")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("log_level", "BOGUS", "such as [runtime] in config.toml: Unknown level: 'BOGUS'"),
        ("workers", "many", "[load] of dlt, in .dlt/config.toml or a variable: Configured value for field `workers`"),
        ("buffer_max_items", "x", "[data_writer] of dlt, in .dlt/config.toml or a variable: Configured value for"),
        ("destination_type", "duckdbb", "destination.market.destination_type is 'duckdbb' (set by "),
    ],
)
def test_a_wrong_setting_of_dlt_ends_in_one_line(command, name, value, said):
    command.config.write_text(re.sub(rf"(?m)^{name} = \S+", f"{name} = '{value}'", command.default))
    done = command.run("--datasets", "symbols", "--symbols", "BTCUSDT")
    command.assert_refused(done, 2, said)
    assert not command.database.exists()


@pytest.mark.parametrize("settings", [BinanceConfiguration, CoinbaseConfiguration, OkxConfiguration])
def test_every_key_stands_in_the_file_of_defaults_with_its_default(command, settings):
    defaults = dict(settings())
    _, section = getattr(settings, "sections", SECTIONS_OF_BINANCE)
    stated = tomlkit.parse(command.default).unwrap()["sources"][section]
    assert {key: stated.get(key) for key in defaults} == defaults
