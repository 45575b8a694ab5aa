"""Staging rows for the tests of gaps: what was asked for, answered, loaded and checked, in minutes of one Monday."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

MONDAY = datetime(2024, 3, 4, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)


def at(minute):
    """A time, given as one or in minutes after Monday's midnight."""
    return minute if isinstance(minute, datetime) else MONDAY + minute * MINUTE


def candle(minute, symbol="A", interval="1m", **changes):
    open_time = at(minute)
    return {
        "symbol": symbol,
        "interval": interval,
        "open_time": open_time,
        **dict.fromkeys(("open", "high", "low", "close"), Decimal(10)),
        "volume": Decimal(2),
        "close_time": open_time + MINUTE - timedelta(milliseconds=1),
        "quote_volume": Decimal(20),
        "trade_count": 3,
        "taker_buy_volume": Decimal(1),
        "taker_buy_quote_volume": Decimal(10),
        "source": "rest",
        **changes,
    }


def candles(*minutes, **changes):
    return [candle(minute, **changes) for minute in minutes]


def trade(number, second=None, symbol="A", **changes):
    second = number if second is None else second
    return {
        "symbol": symbol,
        "trade_id": number,
        "price": Decimal(10),
        "quantity": Decimal(2),
        "quote_quantity": Decimal(20),
        "trade_time": MONDAY + timedelta(seconds=second),
        "is_buyer_maker": False,
        "source": "rest",
        **changes,
    }


def agg_trade(number, first, last, second=None, symbol="A", **changes):
    row = trade(number, second, symbol, first_trade_id=first, last_trade_id=last, **changes)
    return {**{key: value for key, value in row.items() if key != "quote_quantity"}, "agg_trade_id": number}


def period(state, start, end, symbol="A", interval="1m", **changes):
    return {
        "dataset": "klines",
        "symbol": symbol,
        "interval": interval,
        "state": state,
        "period_start": at(start),
        "period_end": at(end),
        **changes,
    }


def asked(start, end, symbol="A", interval="1m"):
    return period("asked", start, end, symbol, interval)


def covered(start, end, symbol="A", interval="1m"):
    return period("covered", start, end, symbol, interval)


def answered(start, end, *symbols, interval="1m"):
    """Periods that were asked for and answered."""
    return [make(start, end, symbol, interval) for symbol in symbols or ("A",) for make in (asked, covered)]


def trades_period(state, start=None, end=None, first_id=None, end_id=None, dataset="trades", symbol="A"):
    times = {"period_start": start and at(start), "period_end": end and at(end)}
    return {"dataset": dataset, "symbol": symbol, "state": state, "first_id": first_id, "end_id": end_id, **times}


def check(source, outcome, hour, start, end, symbol="A", interval="1m", **changes):
    return {
        "dataset": "klines",
        "symbol": symbol,
        "interval": interval,
        "gap_start": at(start),
        "gap_end": at(end),
        "source": source,
        "outcome": outcome,
        "rows_found": int(outcome == "found"),
        "checked_at": MONDAY + timedelta(days=1, hours=hour),
        **changes,
    }


def id_check(source, outcome, hour, first_id, last_id, dataset="trades"):
    row = check(source, outcome, hour, 0, 0, interval=None, dataset=dataset, first_id=first_id, last_id=last_id)
    return {**row, "gap_start": None, "gap_end": None}


def confirmations(start, end, **changes):
    """Two answers of each source, an hour apart."""
    return [check(source, "nothing", hour, start, end, **changes) for source in ("rest", "archive") for hour in (1, 2)]


def listing(first, symbol="A", checked=0):
    return {"symbol": symbol, "first_open_time": None if first is None else at(first), "checked_at": at(checked)}


def symbol_row(symbol, status="TRADING", updated=1_000):
    return {"symbol": symbol, "status": status, "base_asset": symbol, "quote_asset": "X", "updated_at": at(updated)}
