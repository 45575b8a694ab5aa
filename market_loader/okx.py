"""The command for OKX."""

from okx_source.settings import OkxConfiguration
from okx_source.venue import Okx

from .rest_venue import RestCommand

main = RestCommand(Okx, OkxConfiguration, "BTC-USDT,BTC-USDT-SWAP").run
