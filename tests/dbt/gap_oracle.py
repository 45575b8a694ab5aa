"""The statuses of missing candles as the definitions say them, slot by slot: slow, and without a word of SQL."""

from collections import Counter
from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
LENGTHS = {
    "1m": timedelta(minutes=1),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "3d": timedelta(days=3),
    "1w": timedelta(days=7),
}
FIRST_MONDAY = EPOCH + timedelta(days=4)


def slot_of(time, interval):
    """The time at which the slot that holds a time begins."""
    if interval == "1M":
        return time.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    origin = FIRST_MONDAY if interval == "1w" else EPOCH
    return origin + (time - origin) // LENGTHS[interval] * LENGTHS[interval]


def next_slot(slot, interval):
    if interval == "1M":
        return slot.replace(year=slot.year + slot.month // 12, month=slot.month % 12 + 1)
    return slot + LENGTHS[interval]


def slots(start, end, interval):
    """The slots that begin in [start, end)."""
    slot = slot_of(start, interval)
    if slot < start:
        slot = next_slot(slot, interval)
    while slot < end:
        yield slot
        slot = next_slot(slot, interval)


class Market:
    """One market's staging rows, and what is to be said of its slots.

    Attributes:
        klines: The rows that are valid, (symbol, interval, open time, source).
        rejected: The others, (symbol, interval, open time).
    """

    def __init__(self, klines, rejected, periods, listings, symbols, checks):
        self.present = {(symbol, interval, slot_of(time, interval)) for symbol, interval, time, _ in klines}
        self.rejected = {(symbol, interval, slot_of(time, interval)) for symbol, interval, time in rejected}
        self.rest_symbols = {symbol for symbol, _, _, source in klines if source == "rest"}
        self.listings = {row["symbol"]: row for row in listings}
        self.symbols = {row["symbol"]: row for row in symbols}
        self.checks = checks
        self.covered, asked = set(), set()
        for row in periods:
            symbol, interval, start, end = (row[k] for k in ("symbol", "interval", "period_start", "period_end"))
            for slot in slots(start, end, interval):
                if row["state"] == "covered":
                    self.covered.add((symbol, interval, slot))
                elif next_slot(slot, interval) <= end:
                    asked.add((symbol, interval, slot))
        asking = {(row["symbol"], row["interval"]) for row in periods if row["state"] == "asked"}
        for series in {key[:2] for key in self.present} - asking:
            times = [slot for *others, slot in self.present if tuple(others) == series]
            asked |= {(*series, slot) for slot in slots(min(times), max(times), series[1])}
        self.opens = {}
        for symbol, _, slot in self.present:
            first, last = self.opens.get(symbol, (slot, slot))
            self.opens[symbol] = (min(first, slot), max(last, slot))
        self.missing = asked - self.present
        self.known_symbols = {key[0] for key in asked | self.covered | self.present | self.rejected}
        self.silent = {key: self._is_silent(key) for key in (asked | self.covered) - self.present}

    def is_not_listed(self, key):
        symbol, interval, slot = key
        known = self.listings.get(symbol)
        bounds = [self.opens[symbol][0]] if symbol in self.opens else []
        if known:
            bounds.append(known["first_open_time"] or known["checked_at"])
        return bool(bounds) and next_slot(slot, interval) <= min(bounds) and (bool(known) or key in self.covered)

    def is_delisted(self, key):
        symbol, interval, slot = key
        if key not in self.covered or symbol not in self.opens:
            return False
        last = self.opens[symbol][1]
        if slot <= slot_of(last, interval):
            return False
        if not self.symbols:
            return symbol not in self.rest_symbols
        if "TRADING" not in {row["status"] for row in self.symbols.values()}:
            return False
        newest = max(row["updated_at"] for row in self.symbols.values())
        row = self.symbols.get(symbol)
        if row and row["updated_at"] == newest:
            return row["status"] == "BREAK"
        return newest > last

    def _is_silent(self, key):
        """Whether the exchange was asked for a slot in the symbol's life and had nothing."""
        return key in self.covered and not self.is_not_listed(key) and not self.is_delisted(key)

    def is_outage(self, key):
        at_that_time = [(symbol, *key[1:]) for symbol in self.known_symbols]
        return (
            self.silent[key]
            and sum(self.silent.get(other, False) for other in at_that_time) > 1
            and not any(other in self.present or other in self.rejected for other in at_that_time)
        )

    def is_confirmed(self, key):
        symbol, interval, slot = key
        mine = [row for row in self.checks if (row["symbol"], row["interval"]) == (symbol, interval)]
        found = [row for row in mine if row["outcome"] == "found"]
        for source in ("rest", "archive"):
            times = [
                row["checked_at"]
                for row in mine
                if (row["source"], row["outcome"]) == (source, "nothing")
                and row["gap_start"] <= slot < row["gap_end"]
                and not any(
                    other["checked_at"] > row["checked_at"]
                    and other["gap_start"] < row["gap_end"]
                    and other["gap_end"] > row["gap_start"]
                    for other in found
                )
            ]
            if len(times) < 2 or max(times) - min(times) < timedelta(hours=1):
                return False
        return True

    def statuses(self):
        """Status by missing slot, (symbol, interval, open time)."""
        definitions = (
            ("not_listed", self.is_not_listed),
            ("delisted", self.is_delisted),
            ("exchange_outage", self.is_outage),
            ("confirmed_upstream", self.is_confirmed),
        )
        return {
            key: next((status for status, holds in definitions if holds(key)), "unexplained") for key in self.missing
        }

    def days(self):
        """(expected, present, explained, unexplained) by (symbol, interval, day)."""
        counts = Counter()
        found = {**dict.fromkeys(self.present, "present"), **self.statuses()}
        for (symbol, interval, slot), status in found.items():
            kind = {"exchange_outage": "explained", "confirmed_upstream": "explained"}.get(status, status)
            counts[symbol, interval, slot.replace(hour=0, minute=0, second=0, microsecond=0), kind] += 1
        kinds = ("present", "explained", "unexplained")
        days = {key[:3]: [counts[(*key[:3], kind)] for kind in kinds] for key in counts if key[3] in kinds}
        return {key: (sum(figures), *figures) for key, figures in days.items()}
