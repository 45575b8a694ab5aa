"""Oddities: answers that a venue may well give, and that a client must survive row by row. Each is switched on by name.

They rewrite the venue's own answers. The truth does not know them: what an oddity hides or contradicts has to be taken
out of it.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

Document = Any
_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_UNCONFIRMED_AT: Final = 11 * _HOUR + 37 * _MINUTE
_NOISY_EVERY: Final = 7
_PLACES: Final = 18


def _placeholders(document: Document) -> None:
    rows = document["data"]
    if not rows:
        return
    empty = dict.fromkeys(rows[0], "") | {"instType": rows[0]["instType"], "state": "preopen"}
    rows += [empty, dict(empty), {**empty, "instId": f"LISTING-{rows[0]['instType']}-SLX-USDT"}]


def _unreadable_instrument(document: Document) -> None:
    if document["data"] and document["data"][0]["instType"] == "SPOT":
        odd = {"instId": "ODD-USDT", "baseCcy": "ODD", "quoteCcy": "USDT", "listTime": "soon"}
        document["data"].append({**document["data"][0], **odd})


def _column_of_data(document: Document) -> None:
    for row in document["data"]:
        row.append("1")


def _unconfirmed(document: Document) -> None:
    for row in document["data"]:
        if int(row[0]) % _DAY == _UNCONFIRMED_AT:
            row[8] = "0"


def _empty_rate(document: Document) -> None:
    for row in document["data"]:
        if int(row["fundingTime"]) % _DAY == 16 * _HOUR:
            row["realizedRate"] = ""


def _settled_twice(document: Document) -> None:
    document["data"] = [
        copy
        for row in document["data"]
        for copy in (
            [{**row, "fundingTime": str(int(row["fundingTime"]) + 5_000)}, row]
            if int(row["fundingTime"]) % _DAY == 8 * _HOUR
            else [row]
        )
    ]


def _fine_step(document: Document) -> None:
    for row in document["symbols"]:
        if row["symbol"] == "ETHUSDT":
            change = {"maxQty": "1" * 24} if "pair" in row else {"stepSize": "0.0000000001"}
            next(rule for rule in row["filters"] if rule["filterType"] == "LOT_SIZE").update(change)


def _odd_symbols(document: Document) -> None:
    rows = document["symbols"]
    shape = {"symbol": "ODDCOIN", "baseAsset": "ODD", "quoteAsset": "COIN", "contractStatus": "TRADING"}
    rows += [shape, {**rows[0], "symbol": ""}, dict(rows[0])]


def _odd_list(document: Document) -> None:
    if isinstance(document, list) and document:
        document += [{"symbol": "ODDCOIN", "baseVolume": "1"}, {"symbol": ""}, dict(document[0])]


def _changed_symbol(document: Document) -> None:
    for row in document["symbols"]:
        if row["symbol"] == "ETHUSDT":
            row["status"] = "BREAK"
            for rule in row["filters"]:
                if rule["filterType"] == "PRICE_FILTER":
                    rule["tickSize"] = "0.10000000"


def _column(document: Document) -> None:
    for row in document:
        row.append("0")


def _close_settlements(document: Document) -> None:
    rows = []
    for row in document:
        rows.append(row)
        hour = (row["fundingTime"] + _MINUTE) % _DAY // _HOUR
        if hour == 0:
            rows.append({**row, "fundingTime": row["fundingTime"] + 7})
        if hour == 8:
            rows.append({**row, "fundingTime": row["fundingTime"] + 3_000, "fundingRate": "0.12345678"})
    document[:] = rows


def _empty_increment(document: Document) -> None:
    odd = {"id": "ODD-USD", "base_currency": "ODD", "quote_currency": "USD", "quote_increment": ""}
    document.append({**document[0], **odd})


def _odd_products(document: Document) -> None:
    nameless = {name: value for name, value in document[0].items() if name != "id"}
    document += [nameless, {**document[0], "id": "BAD-USD", "trading_disabled": "maybe"}]


# The rest works on texts: numbers of JSON have to keep their digits.
def _doubled(body: bytes) -> bytes:
    rows = re.findall(rb"\[[^\[\]]+\]", body)
    at = len(rows) // 2
    return b"[" + b",".join([*rows[:at], *rows[at : at + 1], *rows[at:]]) + b"]"


def _noisy(body: bytes) -> bytes:
    """Give each seventh minute a volume with a float's noise: it is nearer to the true one, or as near and odd."""

    def spoilt(row: re.Match[bytes]) -> bytes:
        time, volume = int(row[1]), row[3]
        if time // 60 % _NOISY_EVERY or b"e" in volume:
            return row[0]
        whole, _, fraction = volume.partition(b".")
        noise = b"5" if time // 60 % (2 * _NOISY_EVERY) else b"03"
        return b"[%d,%s,%s.%s%s]" % (time, row[2], whole, fraction.ljust(_PLACES, b"0"), noise)

    return re.sub(rb"\[(\d+),([^\[\]]+),([^\[\],]+)\]", spoilt, body)


def _of_document(change: Callable[[Document], None]) -> Callable[[bytes], bytes]:
    def rewritten(body: bytes) -> bytes:
        document = json.loads(body)
        change(document)
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()

    return rewritten


_OKX, _COINBASE = "/okx/api/v5", "/coinbase/products"
_INFO: Final = "(/api/v3|/fapi/v1)/exchangeInfo"

ODDITIES: Final[Mapping[str, tuple[tuple[str, Callable[[bytes], bytes]], ...]]] = {
    "okx_placeholders": ((f"{_OKX}/public/instruments", _of_document(_placeholders)),),
    "okx_unreadable_instrument": ((f"{_OKX}/public/instruments", _of_document(_unreadable_instrument)),),
    "okx_extra_columns": ((f"{_OKX}/market/(history-)?candles", _of_document(_column_of_data)),),
    "okx_unconfirmed_candle": ((f"{_OKX}/market/(history-)?candles", _of_document(_unconfirmed)),),
    "okx_empty_realized_rate": ((f"{_OKX}/public/funding-rate-history", _of_document(_empty_rate)),),
    "okx_close_settlements": ((f"{_OKX}/public/funding-rate-history", _of_document(_settled_twice)),),
    "coinbase_doubled_candles": ((f"{_COINBASE}/[^/]+/candles", _doubled),),
    "coinbase_noisy_volume": ((f"{_COINBASE}/[^/]+/candles", _noisy),),
    "coinbase_empty_increment": ((_COINBASE, _of_document(_empty_increment)),),
    "coinbase_odd_row": ((_COINBASE, _of_document(_odd_products)),),
    "binance_fine_step": ((_INFO, _of_document(_fine_step)),),
    "binance_odd_rows": (
        (_INFO, _of_document(_odd_symbols)),
        ("(/api/v3|/fapi/v1)/ticker/24hr|/fapi/v1/premiumIndex", _of_document(_odd_list)),
    ),
    "binance_extra_columns": (("(/api/v3|/fapi/v1)/(klines|markPriceKlines)", _of_document(_column)),),
    "binance_close_settlements": (("/fapi/v1/fundingRate", _of_document(_close_settlements)),),
    "binance_symbol_change": (("/api/v3/exchangeInfo", _of_document(_changed_symbol)),),
}
"""By name: the paths whose answers are rewritten, as patterns, and how."""


class Oddities:
    """The oddities that are switched on."""

    def __init__(self, names: str = "") -> None:
        self._on: dict[str, bool] = dict.fromkeys(ODDITIES, False)
        chosen = ODDITIES if names == "all" else filter(None, names.split(","))
        self.switch(dict.fromkeys(chosen, True))

    def switch(self, wanted: Mapping[str, bool]) -> dict[str, bool]:
        """Switch some on or off, and return all. Raises ValueError for a name that is none."""
        for name, is_on in wanted.items():
            if name not in ODDITIES or not isinstance(is_on, bool):
                raise ValueError(
                    f"{name} = {is_on!r} is no oddity; there are {', '.join(ODDITIES)}, each true or false"
                )
        self._on.update(wanted)
        return dict(self._on)

    def rewritten(self, path: str, body: bytes) -> bytes:
        """Return the body of a good answer as the oddities in force leave it."""
        for name, is_on in self._on.items():
            for pattern, rewrite in ODDITIES[name] if is_on else ():
                if re.fullmatch(pattern, path):
                    body = rewrite(body)
        return body
