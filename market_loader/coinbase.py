"""The command for Coinbase Exchange."""

from coinbase_source.settings import CoinbaseConfiguration
from coinbase_source.venue import Coinbase

from .rest_venue import RestCommand

main = RestCommand(Coinbase, CoinbaseConfiguration, "BTC-USD,ETH-USD").run
