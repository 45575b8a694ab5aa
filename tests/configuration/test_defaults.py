"""config.toml says of each key what its default is, and what it means: the same as the program."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
import tomlkit

from binance_source.settings import BinanceConfiguration
from coinbase_source.settings import CoinbaseConfiguration
from okx_source.settings import OkxConfiguration

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = (BinanceConfiguration, CoinbaseConfiguration, OkxConfiguration)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda one: one.sections[1])
def test_the_values_and_comments_of_config_toml_are_those_of_the_program(section):
    text = (ROOT / ".dlt" / "config.toml").read_text()
    outer, inner = section.sections
    table = tomlkit.parse(text)[outer][inner]
    lines = re.search(rf"^\[{outer}\.{inner}\]\n(.*?)(?=^\[|\Z)", text, re.DOTALL | re.MULTILINE)[1]
    keys = [one for one in fields(section) if "rule" in one.metadata]
    for name, comment in ((one.name, one.metadata["comment"]) for one in keys):
        default = getattr(section(), name)
        assert table[name] == default, name
        assert type(table.unwrap()[name]) is type(default), name
        said = re.search(rf"^{name} = [^#\n]*(?:# (.*))?$", lines, re.MULTILINE)[1] or ""
        assert said == comment, name
    options = {"symbols", "intervals", "datasets"}
    assert set(table) == options | {one.name for one in keys}
