"""Rows of all venues and datasets, few enough to be reckoned with by hand."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

DAY = datetime(2024, 1, 2, tzinfo=timezone.utc)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def at(hours=0.0, minutes=0.0):
    """The time so long after the beginning of the day."""
    return DAY + hours * HOUR + minutes * MINUTE


def kline(symbol, minute, prices, volume, quote_volume=None, **changes):
    """A minute of Binance, of open, high, low and close; without a quote volume all was traded at the close."""
    open_, high, low, close = map(Decimal, prices.split())
    volume = Decimal(volume)
    value = volume * close if quote_volume is None else Decimal(quote_volume)
    return {
        "market": "spot",
        "symbol": symbol,
        "interval": "1m",
        "open_time": at(minutes=minute),
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
        "close_time": at(minutes=minute + 1) - timedelta(milliseconds=1),
        "quote_volume": value,
        "trade_count": int(volume > 0),
        "taker_buy_volume": Decimal(0),
        "taker_buy_quote_volume": Decimal(0),
        "source": "rest",
        **changes,
    }


def candle(symbol, minute, prices, volume, **changes):
    """A minute of another venue."""
    open_, high, low, close = map(Decimal, prices.split())
    return {
        "symbol": symbol,
        "interval": "1m",
        "open_time": at(minutes=minute),
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "volume": Decimal(volume),
        **changes,
    }


def mark(symbol, minute, close, **changes):
    """A minute of the mark price, of which the close alone matters."""
    price = Decimal(close)
    return {
        "symbol": symbol,
        "interval": "1m",
        "open_time": at(minutes=minute),
        **dict.fromkeys(("open", "high", "low", "close"), price),
        "close_time": at(minutes=minute + 1) - timedelta(milliseconds=1),
        "source": "rest",
        **changes,
    }


def funding(symbol, hours, rate, **changes):
    return {
        "symbol": symbol,
        "funding_time": at(hours=hours),
        "funding_rate": Decimal(rate),
        "source": "rest",
        **changes,
    }


def interest(symbol, period, minutes, amount, value):
    return {
        "symbol": symbol,
        "period": period,
        "open_interest_time": at(minutes=minutes),
        "open_interest": Decimal(amount),
        "open_interest_value": Decimal(value),
        "source": "rest",
    }


def balance(minutes, asset, free, locked="0"):
    return {"snapshot_time": at(minutes=minutes), "asset": asset, "free": Decimal(free), "locked": Decimal(locked)}


def ticker(symbol, minutes, price):
    return {"market": "spot", "symbol": symbol, "snapshot_time": at(minutes=minutes), "last_price": Decimal(price)}


def symbol(name, base, quote, market="spot", **changes):
    return {
        "market": market,
        "symbol": name,
        "base_asset": base,
        "quote_asset": quote,
        "status": "TRADING",
        "updated_at": at(24),
        **changes,
    }


def product(name, base, quote, **changes):
    return {"symbol": name, "base_asset": base, "quote_asset": quote, "status": "online", **changes}


def instrument(name, base, quote, kind="SPOT", **changes):
    return {
        "instrument_type": kind,
        "symbol": name,
        "base_asset": base,
        "quote_asset": quote,
        "state": "live",
        **changes,
    }


def connected(venue, market, name, base, quote, **changes):
    """A symbol that a run has found when it connected."""
    return {
        "venue": venue,
        "market": market,
        "symbol": name,
        "base_asset": base,
        "quote_asset": quote,
        "connected_at": at(1),
        **changes,
    }


def account_trade(number, price, **changes):
    return {
        "symbol": "BTCUSDT",
        "trade_id": number,
        "order_id": 10 * number,
        "price": Decimal(price),
        "quantity": Decimal(2),
        "quote_quantity": 2 * Decimal(price),
        "commission": Decimal("0.001"),
        "commission_asset": "BNB",
        "trade_time": at(minutes=number),
        "is_buyer": True,
        "is_maker": False,
        **changes,
    }


def agg_trade(number, first_trade_id, minute, **changes):
    """An aggregate of one trade."""
    return {
        "market": "um",
        "symbol": "BTCUSDT",
        "agg_trade_id": number,
        "price": Decimal(500),
        "quantity": Decimal(1),
        "first_trade_id": first_trade_id,
        "last_trade_id": first_trade_id,
        "trade_time": at(minutes=minute),
        "is_buyer_maker": False,
        "source": "rest",
        **changes,
    }


def covered(dataset, market, **changes):
    """A day of a series that is covered, as its cursor says."""
    return {
        "series": f"{market}|BTCUSDT",
        "market": market,
        "dataset": dataset,
        "symbol": "BTCUSDT",
        "state": "covered",
        "period_start": DAY,
        "period_end": at(24),
        **changes,
    }
