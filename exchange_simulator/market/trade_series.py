"""The trades of one generated symbol, one UTC day at a time, in any order of access."""

from dataclasses import dataclass

import numpy as np

from exchange_simulator.market.bars import Trades
from exchange_simulator.market.cache import ByteLru
from exchange_simulator.market.calendar import MINUTES_PER_DAY, Calendar
from exchange_simulator.market.hashing import Flags, Ints, bits, hashes, stream_key
from exchange_simulator.market.intervals import DAY_US, MINUTE_US
from exchange_simulator.market.price_path import Path, basis_waves, price_waves
from exchange_simulator.market.tiles import JITTER_ONE, PATTERNS, POSITION_BITS, QUANTITY_ONE, TILE, trade_tiles

# Relative activity in each hour of the day (UTC), in 1/64: quiet at night, busiest when Europe and America overlap.
_HOURLY_ACTIVITY = (56, 52, 48, 44, 42, 42, 46, 54, 62, 66, 66, 64, 66, 82, 98, 100, 92, 82, 76, 70, 66, 62, 60, 58)
# Activity of single minutes, in 1/64, chosen by hash: mostly calm, with bursts now and then.
_BURSTS = np.array([36, 40, 44, 46, 48, 50, 52, 56, 60, 64, 70, 76, 90, 110, 170, 320], dtype=np.int64)
_DAYS_PER_CHUNK = 512
_MAX_TRADES_A_DAY = 1 << 20
_MOST_TILES_A_DAY = _MAX_TRADES_A_DAY // TILE
_PATTERN_BITS = PATTERNS.bit_length() - 1


@dataclass(frozen=True)
class SeriesSettings:
    """What distinguishes the trades of one symbol from those of another."""

    name: str
    base_price: int
    """Price around which the series swings, in ticks."""
    volatility: int
    """Swing of the price in percent of the built-in one (100: about 2 % a day)."""
    trades_per_day: int
    usual_quantity: int
    """Mean size of a trade, in steps."""
    tombstones: tuple[tuple[int, int], ...] = ()
    """(time in microseconds, number) of aggregate ids without a trade."""
    follows: str | None = None
    """The series whose price this one follows, or None."""


class TradeSeries:
    """The deterministic trades of one symbol. Ids begin at 0 with the listing, without gaps."""

    def __init__(self, settings: SeriesSettings, calendar: Calendar, seed: int, cache: ByteLru) -> None:
        self.settings = settings
        self.calendar = calendar
        self.first_day = calendar.listed // DAY_US
        key = stream_key(seed, settings.name)
        self._day_key, self._minute_key, self._tile_key = (stream_key(key, name) for name in ("day", "minute", "tile"))
        waves = price_waves(stream_key(seed, settings.follows or settings.name))
        waves += basis_waves(key) if settings.follows else []
        self._path = Path(settings.base_price, settings.volatility, waves)
        self._cache = cache
        self._counts = np.empty(0, dtype=np.int64)
        self._trade_starts = np.zeros(1, dtype=np.int64)
        self._aggregate_starts = np.zeros(1, dtype=np.int64)

    @property
    def name(self) -> str:
        """Return the name of the series."""
        return self.settings.name

    def day(self, day: int) -> Trades:
        """Return all trades of a day (days since 1970), from the cache if possible."""
        return self._cache.get((self.name, "trades", day), lambda: self._make_day(day))

    def trades(self, start: int, end: int) -> list[Trades]:
        """Return the trades of [start, end) in microseconds, one part per day."""
        last_day = (end - 1) // DAY_US
        return [self.day(day).between(start, end) for day in range(max(start // DAY_US, self.first_day), last_day + 1)]

    def trade_starts(self, day: int) -> Ints:
        """Return the first trade id of each day since the listing, at least up to the day after `day`."""
        while len(self._counts) <= day - self.first_day:
            self._extend()
        return self._trade_starts

    def aggregate_starts(self, day: int) -> Ints:
        """Return the first aggregate id of each day since the listing, at least up to the day after `day`."""
        known = len(self._aggregate_starts) - 1
        if known <= day - self.first_day:
            self.trade_starts(day)
            added = [self._aggregate_count(self.first_day + index) for index in range(known, len(self._counts))]
            following = self._aggregate_starts[-1] + np.cumsum(added)
            self._aggregate_starts = np.concatenate([self._aggregate_starts, following])
        return self._aggregate_starts

    def trade_count(self, day: int) -> int:
        """Return the number of trades of the day."""
        if day < self.first_day:
            return 0
        self.trade_starts(day)
        return int(self._counts[day - self.first_day])

    def price_before(self, time: int) -> int:
        """Return the price in ticks of the last trade before `time` (microseconds). Raises LookupError without one."""
        day = (time - 1) // DAY_US
        while day >= self.first_day:
            if self.trade_count(day):
                trades = self.day(day)
                index = int(np.searchsorted(trades.time, time))
                if index:
                    return int(trades.price[index - 1])
                time = day * DAY_US
            nonempty = np.flatnonzero(self._counts[: max(day - self.first_day, 0)])
            if len(nonempty) == 0:
                break
            day = int(nonempty[-1]) + self.first_day
        raise LookupError(f"{self.name} has no trade before {time}")

    def _extend(self) -> None:
        """Decide the number of trades of the next days."""
        known = len(self._counts)
        days = self.first_day + np.arange(known, known + _DAYS_PER_CHUNK, dtype=np.int64)
        chance = hashes(self._day_key, days)
        mood = 60 + bits(chance, 0, 6) + bits(chance, 6, 6) * bits(chance, 12, 6) // 64
        is_weekend = (days + 3) % 7 >= 5
        wanted = self.settings.trades_per_day * mood // 110 * np.where(is_weekend, 3, 4) // 4
        live_seconds = self.calendar.live_microseconds(days) // 1_000_000
        counts = np.minimum(wanted * live_seconds // 86_400, _MAX_TRADES_A_DAY)
        if known == 0:
            counts[0] = max(counts[0], 1)
        self._counts = np.concatenate([self._counts, counts])
        self._trade_starts = np.concatenate([self._trade_starts, self._trade_starts[-1] + np.cumsum(counts)])

    def tombstones(self, day: int) -> list[tuple[int, int]]:
        """Return (time, number) of the day's aggregate ids without a trade."""
        return [entry for entry in self.settings.tombstones if entry[0] // DAY_US == day]

    def _patterns(self, day: int, count: int) -> Ints:
        tile_count = -(-count // TILE)
        tiles = day * _MOST_TILES_A_DAY + np.arange(tile_count, dtype=np.int64)
        return bits(hashes(self._tile_key, tiles), 0, _PATTERN_BITS)

    def _aggregate_count(self, day: int) -> int:
        count = self.trade_count(day)
        buried = sum(number for _, number in self.tombstones(day))
        if count == 0:
            return buried
        patterns = self._patterns(day, count)
        begun = trade_tiles().aggregates_before
        in_last_tile = count - (len(patterns) - 1) * TILE
        return buried + int(begun[patterns[:-1], TILE].sum()) + int(begun[patterns[-1], in_last_tile])

    def _make_day(self, day: int) -> Trades:
        count = self.trade_count(day)
        first_id = int(self._trade_starts[day - self.first_day]) if day >= self.first_day else 0
        if count == 0:
            empty = np.empty(0, dtype=np.int64)
            return Trades(first_id, empty, empty, empty, empty.astype(bool), empty.astype(bool))
        tiles = trade_tiles()
        patterns = self._patterns(day, count)

        minute_hash = hashes(self._minute_key, day * MINUTES_PER_DAY + np.arange(MINUTES_PER_DAY))
        span_start, span_length = self.calendar.live_spans(day)
        activity = np.repeat(np.array(_HOURLY_ACTIVITY, dtype=np.int64), 60) * _BURSTS[bits(minute_hash, 0, 4)]
        weight = np.where(span_length > 0, np.maximum(activity * (span_length // 1000) // 60_000, 1), 0)
        reached = np.zeros(MINUTES_PER_DAY + 1, dtype=np.int64)
        np.cumsum(weight, out=reached[1:])
        reached <<= POSITION_BITS

        position = self._positions(patterns, count) * int(reached[-1] >> POSITION_BITS) // count
        per_minute = np.diff(np.searchsorted(position, reached))
        minute = np.repeat(np.arange(MINUTES_PER_DAY, dtype=np.int64), per_minute)
        scale = span_length / np.maximum(weight << POSITION_BITS, 1)
        offset = ((position - reached[minute]) * scale[minute]).astype(np.int64)
        offset = np.minimum(offset, span_length[minute] - 1) + span_start[minute]
        if day == self.first_day:
            first_order = min(int(tiles.first_order_length[patterns[0]]), count)
            offset[:first_order] = self.calendar.listed % MINUTE_US
            minute[:first_order] = self.calendar.listed % DAY_US // MINUTE_US

        is_buy = tiles.is_buy[patterns].ravel()[:count]
        size = self.settings.usual_quantity * (24 + bits(minute_hash, 4, 5) + bits(minute_hash, 9, 5)) // 56
        quantity = tiles.quantity[patterns].ravel()[:count] * size[minute] // QUANTITY_ONE
        return Trades(
            first_id,
            day * DAY_US + minute * MINUTE_US + offset,
            self._prices(day, minute, offset, is_buy, patterns),
            np.maximum(quantity, 1),
            is_buy,
            tiles.starts_aggregate[patterns].ravel()[:count],
        )

    def _positions(self, patterns: Ints, count: int) -> Ints:
        """Return the position of each trade's taker order among the day's trades, in trades << POSITION_BITS."""
        position = trade_tiles().position
        placed = position[patterns, :TILE]
        in_last_tile = count % TILE
        if in_last_tile:
            end = int(position[patterns[-1], in_last_tile])
            placed[-1] = placed[-1] * (in_last_tile << POSITION_BITS) // max(end, 1)
        placed += (np.arange(len(patterns), dtype=np.int64) * (TILE << POSITION_BITS))[:, None]
        return np.minimum(placed.ravel()[:count], (count << POSITION_BITS) - 1)

    def _prices(self, day: int, minute: Ints, offset: Ints, is_buy: Flags, patterns: Ints) -> Ints:
        """Return prices: the path, a little jitter for each order, half a spread, and the levels climbed."""
        count = len(minute)
        tiles = trade_tiles()
        path = self.path(day)
        spread = max(int(path[0]) >> 16, 1)
        middle = path[minute] + (path[minute + 1] - path[minute]) * offset // MINUTE_US
        middle += tiles.jitter[patterns].ravel()[:count] * (int(path[0]) >> 13) // JITTER_ONE
        distance = spread + spread * tiles.level[patterns].ravel()[:count]
        return np.maximum(np.where(is_buy, middle + distance, middle - distance), 1)

    def path(self, day: int) -> Ints:
        """Return the middle price, in ticks, at each minute of the day and at its end."""
        minutes = day * MINUTES_PER_DAY + np.arange(MINUTES_PER_DAY + 1, dtype=np.int64)
        return self._path.at(minutes)
