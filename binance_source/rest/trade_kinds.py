"""The datasets whose rows are numbered, and the series that fetches each from REST."""

from typing import Final

from ..schemas import AGG_TRADES, TRADES
from .agg_trades import AggTradeSeries
from .trades import TradeSeries

TradeKind = type[AggTradeSeries] | type[TradeSeries]

TRADE_KINDS: Final[dict[str, TradeKind]] = {AGG_TRADES.name: AggTradeSeries, TRADES.name: TradeSeries}
"""The class of the series, by staging table."""
