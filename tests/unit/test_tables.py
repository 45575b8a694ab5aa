"""Which tables are appended to: recovery removes the rows of loads that never completed from all of them."""

import pytest

from binance_source.account import BinanceAccount
from binance_source.connection import Connection
from binance_source.datasets import ACCOUNT_DATASETS, DATASETS, DATASETS_OF_MARKETS
from binance_source.market import BinanceMarket
from binance_source.markets import MARKETS
from binance_source.repair.gaps import Repairs
from binance_source.rest.signing import Signer
from binance_source.settings import BinanceConfiguration
from coinbase_source import DATASETS as COINBASE_DATASETS
from coinbase_source.settings import CoinbaseConfiguration
from coinbase_source.venue import Coinbase
from exchange_engine.request import check_request
from exchange_engine.resources import package
from exchange_engine.run import Run
from market_loader.tables import appended_tables
from okx_source import DATASETS as OKX_DATASETS
from okx_source.settings import OkxConfiguration
from okx_source.venue import Okx


def request(datasets, known):
    return check_request(["A"], ["1m"], datasets, known_datasets=known)


def market(name):
    made = BinanceMarket(
        Connection(request(DATASETS_OF_MARKETS[name], DATASETS), BinanceConfiguration(), MARKETS[name])
    )
    made.repairs = Repairs([], None, None, {}, {})
    return made


VENUES = {
    "spot": lambda: market("spot"),
    "um": lambda: market("um"),
    "account": lambda: BinanceAccount(request(ACCOUNT_DATASETS, DATASETS), BinanceConfiguration(), Signer("k", "s")),
    "coinbase": lambda: Coinbase(
        request(COINBASE_DATASETS, COINBASE_DATASETS), CoinbaseConfiguration(base_url="https://a.b")
    ),
    "okx": lambda: Okx(request(OKX_DATASETS, OKX_DATASETS), OkxConfiguration(base_url="https://a.b")),
}


@pytest.mark.parametrize("name", VENUES)
def test_recovery_knows_every_table_that_a_run_appends_to(name):
    run = Run(VENUES[name]())
    made = package(run).resources
    appended = {one.name for one in made.values() if one.write_disposition == "append"}
    assert appended <= set(appended_tables(run.venue.name))
    assert len(appended) >= 1
    assert {"series_periods", "connected_symbols", "rejected_rows"} <= made.keys() - appended
    run.close()


def test_the_tables_that_were_appended_to_before_still_are():
    """Rows of an older database must not be left behind by a table that changes how it is written."""
    assert set(appended_tables("binance")) == {
        "klines", "agg_trades", "trades", "tickers_24h", "mark_price_klines", "funding_rates", "open_interest",
        "premium_index", "account_balances", "account_trades", "archive_files", "gap_checks", "exchange_info_history",
    }  # fmt: skip
    assert appended_tables("coinbase") == ["coinbase_candles"]
    assert appended_tables("okx") == ["okx_candles", "okx_funding_rates"]
