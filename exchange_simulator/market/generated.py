"""A market generated from a market file: a file and a seed give the same market everywhere. Times in microseconds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from exchange_simulator.market.base import Book, Selection
from exchange_simulator.market.cache import Caches
from exchange_simulator.market.config import MarketSpec, SymbolSpec
from exchange_simulator.market.hashing import bits, hashes, stream_key
from exchange_simulator.market.id_series import IdSeries, Numbered, aggregate_columns, trade_columns
from exchange_simulator.market.intervals import DAY_US, MINUTE_US
from exchange_simulator.market.klines import KlineRows, KlineSeries
from exchange_simulator.market.render import (
    AggregateColumns,
    TradeColumns,
    aggregate_rows,
    decimal_text,
    kline_rows,
    trade_rows,
)
from exchange_simulator.market.symbol_info import symbol_info
from exchange_simulator.market.trade_series import SeriesSettings, TradeSeries
from exchange_simulator.market.truth import aggregate_table, kline_table, trade_table

_TRADES: Numbered[TradeColumns] = Numbered("trade rows", TradeSeries.trade_starts, trade_columns, trade_rows)
_AGGREGATES: Numbered[AggregateColumns] = Numbered(
    "aggregate rows", TradeSeries.aggregate_starts, aggregate_columns, aggregate_rows
)
_NO_TRADES_TICKER = {
    "priceChange": "0.00000000",
    "priceChangePercent": "0.000",
    "weightedAvgPrice": "0.00000000",
    "prevClosePrice": "0.00000000",
    "lastPrice": "0.00000000",
    "lastQty": "0.00000000",
    "bidPrice": "0.00000000",
    "bidQty": "0.00000000",
    "askPrice": "0.00000000",
    "askQty": "0.00000000",
    "openPrice": "0.00000000",
    "highPrice": "0.00000000",
    "lowPrice": "0.00000000",
    "volume": "0.00000000",
    "quoteVolume": "0.00000000",
}


@dataclass(frozen=True)
class Ways:
    """How rows of a market are made and formatted. Spot's are the default."""

    prefix: str = ""
    """Prefix of the names of its series, which keeps those of two markets apart."""
    aggregates: Numbered[AggregateColumns] = _AGGREGATES
    klines: KlineRows = kline_rows
    number: Callable[[int, int], str] = decimal_text
    """Returns the text of a number, given its decimals."""


_SPOT: Final = Ways()


class GeneratedSymbol:
    """One symbol of a generated market."""

    def __init__(
        self, spec: SymbolSpec, seed: int, caches: Caches, ways: Ways = _SPOT, follows: str | None = None
    ) -> None:
        self.spec = spec
        self._ways = ways
        settings = SeriesSettings(
            ways.prefix + spec.name,
            spec.base_price,
            spec.volatility,
            spec.trades_per_day,
            spec.usual_quantity,
            spec.tombstones,
            follows,
        )
        self.series = TradeSeries(settings, spec.calendar, seed, caches.columns)
        decimals = (spec.tick_decimals, spec.step_decimals)
        self.klines = KlineSeries(self.series, ways.klines, *decimals, caches)
        self.trades = IdSeries(self.series, _TRADES, *decimals, caches)
        self.aggregates = IdSeries(self.series, ways.aggregates, *decimals, caches)
        self._key = stream_key(seed, settings.name, "book")

    def price(self, ticks: int) -> str:
        """Return a price as sent."""
        return self._ways.number(ticks, self.spec.tick_decimals)

    def quantity(self, steps: int) -> str:
        """Return a quantity as sent."""
        return self._ways.number(steps, self.spec.step_decimals)

    def last_price(self, now: int) -> int:
        """Return the price of the last trade, in ticks; at the moment of the listing, that of the first one."""
        return self.series.price_before(max(now, self.spec.calendar.listed + 1))

    def book(self, now: int, levels: int) -> Book:
        """Return a made-up order book around the last price; it changes every second."""
        second = now // 1_000_000
        middle = self.last_price(now)
        unit = max(middle >> 16, 1)
        chance = hashes(stream_key(self._key, second), np.arange(2 * levels, dtype=np.int64))
        step = 1 + bits(chance, 0, 2) * unit
        size = np.maximum(self.spec.usual_quantity * (1 + bits(chance, 2, 6)) // 8, 1)
        bids = middle - np.cumsum(step[0::2])
        asks = middle + np.cumsum(step[1::2]) - 1
        return Book(
            self.trades.first_at(now) * 3 + second - self.spec.calendar.listed // 1_000_000,
            [(self.price(int(p)), self.quantity(int(q))) for p, q in zip(bids, size[0::2], strict=True) if p > 0],
            [(self.price(int(p)), self.quantity(int(q))) for p, q in zip(asks, size[1::2], strict=True)],
        )

    def ticker(self, now: int) -> dict[str, Any]:
        """Return the rolling 24-hour ticker."""
        start = max(now - DAY_US, self.spec.calendar.listed)
        times = {"openTime": (now - DAY_US) // 1000, "closeTime": now // 1000}
        day = self.klines.window(start, now)
        if len(day.time) == 0:
            empty = {"firstId": -1, "lastId": -1, "count": 0}
            return {"symbol": self.spec.name, **_NO_TRADES_TICKER, **times, **empty}
        first_id, end_id = self.trades.first_at(start), self.trades.first_at(now)
        first, high, low, last = (int(column[0]) for column in (day.open, day.high, day.low, day.close))
        volume, quote = int(day.volume[0]), int(day.quote[0])
        previous = self.series.price_before(start) if first_id else first
        last_trade = self.series.trades(now - DAY_US, now)
        last_quantity = next(int(part.quantity[-1]) for part in reversed(last_trade) if len(part.time))
        book = self.book(now, 1)
        bid, ask = (book.bids or [("0.00000000", "0.00000000")])[0], book.asks[0]
        change = last - first
        percent = abs(change) * 100_000 // first
        sign = "-" if change < 0 else ""
        return {
            "symbol": self.spec.name,
            "priceChange": sign + self.price(abs(change)),
            "priceChangePercent": f"{sign if percent else ''}{percent // 1000}.{percent % 1000:03d}",
            "weightedAvgPrice": self._average(quote, volume),
            "prevClosePrice": self.price(previous),
            "lastPrice": self.price(last),
            "lastQty": self.quantity(last_quantity),
            "bidPrice": bid[0],
            "bidQty": bid[1],
            "askPrice": ask[0],
            "askQty": ask[1],
            "openPrice": self.price(first),
            "highPrice": self.price(high),
            "lowPrice": self.price(low),
            "volume": self.quantity(volume),
            "quoteVolume": self._ways.number(quote, self.spec.tick_decimals + self.spec.step_decimals),
            **times,
            "firstId": first_id,
            "lastId": end_id - 1,
            "count": end_id - first_id,
        }

    def average_price(self, now: int) -> tuple[str, int]:
        """Return the volume-weighted price of five minutes, or else the last price, and the last trade's time in ms."""
        index = self.trades.first_at(now) - 1
        if index < 0:
            return self.price(self.last_price(now)), self.spec.calendar.listed // 1000
        starts = self.series.trade_starts(self.series.first_day)
        day = int(np.searchsorted(starts, index, side="right")) - 1
        last_time = int(self.series.day(self.series.first_day + day).time[index - int(starts[day])])
        window = self.klines.window(max(now - 5 * MINUTE_US, self.spec.calendar.listed), now)
        if len(window.time) == 0:
            return self.price(self.last_price(now)), last_time // 1000
        return self._average(int(window.quote[0]), int(window.volume[0])), last_time // 1000

    def _average(self, quote: int, volume: int) -> str:
        """Return quote volume / volume with eight decimals, rounded down."""
        return decimal_text(quote * 10 ** (8 - self.spec.tick_decimals) // volume, 8)


class GeneratedMarket:
    """A generated market; see Market for the methods."""

    def __init__(self, spec: MarketSpec, seed: int | None = None, cache_bytes: int = 192 << 20) -> None:
        caches = Caches.of_size(cache_bytes)
        used_seed = spec.seed if seed is None else seed
        self._symbols = {symbol.name: GeneratedSymbol(symbol, used_seed, caches) for symbol in spec.symbols}

    @property
    def generated(self) -> Mapping[str, GeneratedSymbol]:
        """Return all symbols by name, listed or not."""
        return self._symbols

    def symbols(self, now: int) -> list[str]:
        """Return the names of the symbols listed by now, in the order of the market file."""
        return [name for name, symbol in self._symbols.items() if symbol.spec.calendar.listed <= now]

    def symbol_info(self, symbol: str, now: int) -> dict[str, Any]:
        """Return the symbol's entry in exchangeInfo."""
        return symbol_info(self._symbols[symbol].spec, self.status(symbol, now))

    def status(self, symbol: str, now: int) -> str:
        """Return BREAK after the symbol's end, HALT after its halt and in an outage, else TRADING."""
        spec = self._symbols[symbol].spec
        if spec.status is not None:
            return spec.status
        if now >= spec.calendar.ends:
            return "BREAK"
        in_outage = any(outage.start <= now < outage.end for outage in spec.calendar.outages)
        return "HALT" if now >= spec.calendar.halted or in_outage else "TRADING"

    def klines(
        self, symbol: str, interval: str, wanted: Selection, now: int, microseconds: bool, zone_offset: int
    ) -> bytes:
        """Return klines as JSON."""
        return self._symbols[symbol].klines.page(interval, wanted, now, microseconds, zone_offset)

    def trades(self, symbol: str, wanted: Selection, now: int, microseconds: bool) -> bytes:
        """Return trades as JSON."""
        return self._symbols[symbol].trades.page(wanted, now, microseconds)

    def aggregates(self, symbol: str, wanted: Selection, now: int, microseconds: bool) -> bytes:
        """Return aggregate trades as JSON."""
        return self._symbols[symbol].aggregates.page(wanted, now, microseconds)

    def ticker(self, symbol: str, now: int) -> dict[str, Any] | None:
        """Return the 24-hour ticker."""
        return self._symbols[symbol].ticker(now)

    def last_price(self, symbol: str, now: int) -> str | None:
        """Return the price of the last trade."""
        found = self._symbols[symbol]
        return found.price(found.last_price(now))

    def book(self, symbol: str, now: int, levels: int) -> Book:
        """Return the order book; a symbol that has ended has none."""
        if self.status(symbol, now) == "BREAK":
            return Book(self._symbols[symbol].trades.first_at(now), [], [])
        return self._symbols[symbol].book(now, levels)

    def average_price(self, symbol: str, now: int) -> tuple[str, int]:
        """Return the five-minute average price and the last trade's time in milliseconds."""
        return self._symbols[symbol].average_price(now)

    def truth(
        self, kind: str, symbol: str, interval: str, start: int, end: int, now: int, with_tombstones: bool
    ) -> pa.Table:
        """Return every row that exists in [start, end]; only closed klines."""
        found = self._symbols[symbol]
        until = min(end + 1, now)
        if kind == "klines":
            return kline_table(found.spec, interval, found.klines.closed(interval, start, end, now))
        if kind == "trades":
            return trade_table(found.spec, found.trades.between(start, until))
        return aggregate_table(found.spec, found.aggregates.between(start, until), with_tombstones)
