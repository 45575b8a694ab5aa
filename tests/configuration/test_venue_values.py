"""Each key of [sources.coinbase] and [sources.okx], with values that cannot be meant."""

import pytest

from coinbase_source.settings import CoinbaseConfiguration
from coinbase_source.venue import Coinbase
from exchange_engine.config.providers import ConfigurationError
from exchange_engine.request import check_request
from okx_source.settings import OkxConfiguration
from okx_source.venue import Okx

WRONG = {
    "base_url": ("a URL with https://", "http://www.okx.com"),
    "connections": ("a whole number from 1 to 1,000", 0, 1001, 1.5),
    "timeout_seconds": ("a number above 0 and at most 3,600", 0, 3601),
    "max_attempts": ("a whole number from 1 to 100", 0, 101),
    "backoff_seconds": ("a number from 0 to 3,600", -0.1, 3600.5),
    "request_share": ("a number from 0.1 to 1", 0.09, 1.01, "all"),
    "ban_patience_seconds": ("a number from 0 to 2,592,000", -1, 2592001),
    "candles_lookback_days": ("a number above 0 and at most 20,000", 0, 20001),
    "package_rows": ("a whole number from 1 to 1,000,000,000", 0, 1000000001),
    "package_seconds": ("a number above 0 and at most 86,400", 0, 86401),
}
"""What each key may be, in words, and values that it may not."""


@pytest.mark.parametrize(("settings", "venue"), [(CoinbaseConfiguration, "coinbase"), (OkxConfiguration, "okx")])
def test_a_value_that_is_none_or_out_of_its_range_is_refused(settings, venue):
    assert set(settings().get_resolvable_fields()) == set(WRONG)
    for key, (right, *values) in WRONG.items():
        for value in values:
            configuration = settings()
            setattr(configuration, key, value)
            with pytest.raises(ConfigurationError) as refused:
                configuration.resolve()
            assert f"sources.{venue}.{key} is {value!r}; it must be {right}" in str(refused.value)


@pytest.mark.parametrize(
    ("venue", "configuration", "url", "exchange"),
    [
        (Coinbase, CoinbaseConfiguration(), "https://api.exchange.coinbase.com", "Coinbase Exchange"),
        (Coinbase, CoinbaseConfiguration(), "https://api-public.sandbox.exchange.coinbase.com", None),
        (Okx, OkxConfiguration(), "https://www.okx.com", "OKX"),
        (Okx, OkxConfiguration(), "https://my.okx.com", "OKX"),
        (Okx, OkxConfiguration(), "https://www.okx.com.example", None),
        (Okx, OkxConfiguration(), "http://127.0.0.1:8080/okx", "a simulated exchange on this machine"),
    ],
)
def test_data_of_another_host_are_those_of_another_exchange(venue, configuration, url, exchange):
    configuration.base_url = url
    opened = venue(check_request(["A"], ["1m"], ["symbols"], known_datasets=["symbols"]), configuration)
    assert opened.origin() == (exchange or url.removeprefix("https://"), url, None)
    opened.close()
