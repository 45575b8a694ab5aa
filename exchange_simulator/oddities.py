"""Oddities: responses that a venue may well send, and that a client must survive row by row. Each has a switch.

Most of them rewrite the venue's own responses. Those that add rows to pages, or a product, are made with the response,
by `Request.oddities`. The truth leaves out every row that an active oddity hides or contradicts.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any, Final

import pyarrow as pa

from exchange_simulator.venue import Request

Document = Any
_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_UNCONFIRMED_AT: Final = 11 * _HOUR + 37 * _MINUTE
_NOISY_EVERY: Final = 7
# What float noise adds to a volume. Rounding half even to 18 decimals removes all of it; cutting, and rounding ties up
# or down, do not.
_NOISES: Final = tuple(map(Decimal, ("3e-19", "5e-19", "-4e-19", "-5e-19")))
_ALL_DIGITS: Final = Context(prec=60)
BINANCE_CLOSE_SETTLEMENTS: Final = "binance_close_settlements"
OKX_CLOSE_SETTLEMENTS: Final = "okx_close_settlements"
COINBASE_EMPTY_INCREMENT: Final = "coinbase_empty_increment"


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


def _fine_step(document: Document) -> None:
    for row in document["symbols"]:
        if row["symbol"] == "ETHUSDT":
            change = {"maxQty": "1" * 24} if "pair" in row else {"stepSize": "0.0000000001"}
            next(rule for rule in row["filters"] if rule["filterType"] == "LOT_SIZE").update(change)


def _copies(rows: list[Document]) -> list[Document]:
    return [dict(row) for row in rows if row["symbol"] == "BTCUSDT"]


def _odd_symbols(document: Document) -> None:
    rows = document["symbols"]
    shape = {"symbol": "ODDCOIN", "baseAsset": "ODD", "quoteAsset": "COIN", "contractStatus": "TRADING"}
    rows += [shape, *({**row, "symbol": ""} for row in rows[:1]), *_copies(rows)]


def _odd_list(document: Document) -> None:
    if isinstance(document, list):
        document += [{"symbol": "ODDCOIN", "baseVolume": "1"}, {"symbol": ""}, *_copies(document)]


def _changed_symbol(document: Document) -> None:
    for row in document["symbols"]:
        if row["symbol"] == "ETHUSDT":
            row["status"] = "BREAK"
            for rule in row["filters"]:
                if rule["filterType"] == "PRICE_FILTER":
                    rule["tickSize"] = f"{Decimal(rule['tickSize']) * 10:.8f}"


def _column(document: Document) -> None:
    for row in document:
        row.append("0")


def _odd_products(document: Document) -> None:
    for row in document[:1]:
        nameless = {name: value for name, value in row.items() if name != "id"}
        document += [nameless, {**row, "id": "BAD-USD", "trading_disabled": "maybe"}]


# The rest works on text, because JSON numbers must keep their digits.
def _doubled(body: bytes) -> bytes:
    rows = re.findall(rb"\[[^\[\]]+\]", body)
    at = len(rows) // 2
    return b"[" + b",".join([*rows[:at], *rows[at : at + 1], *rows[at:]]) + b"]"


def _noisy(body: bytes) -> bytes:
    """Add float noise to the volume of every seventh minute."""

    def spoilt(row: re.Match[bytes]) -> bytes:
        turn, rest = divmod(int(row[1]) // 60, _NOISY_EVERY)
        if rest:
            return row[0]
        volume = _ALL_DIGITS.add(Decimal(row[3].decode()), _NOISES[turn % len(_NOISES)])
        return b"[%s,%s,%s]" % (row[1], row[2], f"{volume:f}".encode())

    return re.sub(rb"\[(\d+),([^\[\]]+),([^\[\],]+)\]", spoilt, body)


def _of_document(change: Callable[[Document], None]) -> Callable[[bytes], bytes]:
    def rewritten(body: bytes) -> bytes:
        document = json.loads(body)
        change(document)
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()

    return rewritten


def _always(_request: Request) -> bool:
    return True


def _is_of_all(request: Request) -> bool:
    return not any(map(request.value, ("instId", "symbol", "symbols")))


def _is_of_minutes(request: Request) -> bool:
    return (request.value("granularity") or "60") == "60"


@dataclass(frozen=True)
class _Rewrite:
    """How the responses of some paths, given as a pattern, are rewritten."""

    paths: str
    change: Callable[[bytes], bytes]
    fits: Callable[[Request], bool] = _always


@dataclass(frozen=True)
class _Untrue:
    """The rows of a truth table that an oddity hides or contradicts: those at one time of the day."""

    table: str
    column: str
    time: int


@dataclass(frozen=True)
class Oddity:
    """What is odd, which responses are rewritten for it, and which rows are no longer true."""

    meaning: str
    rewrites: tuple[_Rewrite, ...] = ()
    untrue: _Untrue | None = None


_INFO: Final = "(/api/v3|/fapi/v1)/exchangeInfo"
_TICKERS: Final = "(/api/v3|/fapi/v1)/ticker/24hr|/fapi/v1/premiumIndex"
_KLINES: Final = "(/api/v3|/fapi/v1)/(klines|markPriceKlines)"
_INSTRUMENTS: Final = "/okx/api/v5/public/instruments"
_OKX_CANDLES: Final = "/okx/api/v5/market/(history-)?candles"
_OKX_FUNDING: Final = "/okx/api/v5/public/funding-rate-history"
_PRODUCTS: Final = "/coinbase/products"
_CANDLES: Final = "/coinbase/products/[^/]+/candles"

ODDITIES: Final[Mapping[str, Oddity]] = {
    "okx_placeholders": Oddity(
        "Announced listings: instruments with empty fields, two without a name.",
        (_Rewrite(_INSTRUMENTS, _of_document(_placeholders), _is_of_all),),
    ),
    "okx_unreadable_instrument": Oddity(
        "ODD-USDT, whose listTime is 'soon'.",
        (_Rewrite(_INSTRUMENTS, _of_document(_unreadable_instrument), _is_of_all),),
    ),
    "okx_extra_columns": Oddity(
        "One more text at the end of each candle.", (_Rewrite(_OKX_CANDLES, _of_document(_column_of_data)),)
    ),
    "okx_unconfirmed_candle": Oddity(
        "The 1m candle of 11:37 is never confirmed.",
        (_Rewrite(_OKX_CANDLES, _of_document(_unconfirmed)),),
        _Untrue("okx_candles", "open_time", _UNCONFIRMED_AT),
    ),
    "okx_empty_realized_rate": Oddity(
        "The settlement of 16:00 has no realizedRate.",
        (_Rewrite(_OKX_FUNDING, _of_document(_empty_rate)),),
        _Untrue("okx_funding_rates", "funding_time", 16 * _HOUR),
    ),
    OKX_CLOSE_SETTLEMENTS: Oddity("The settlement of 08:00 is there again five seconds later."),
    "coinbase_doubled_candles": Oddity(
        "One 1m candle of each page is there twice.", (_Rewrite(_CANDLES, _doubled, _is_of_minutes),)
    ),
    "coinbase_noisy_volume": Oddity(
        "1m volumes with a float's noise behind the 18th decimal.", (_Rewrite(_CANDLES, _noisy, _is_of_minutes),)
    ),
    COINBASE_EMPTY_INCREMENT: Oddity("ODD-USD, without quote_increment and without candles."),
    "coinbase_odd_row": Oddity(
        "A product without id, and BAD-USD, whose trading_disabled is 'maybe'.",
        (_Rewrite(_PRODUCTS, _of_document(_odd_products)),),
    ),
    "binance_fine_step": Oddity(
        "ETHUSDT with a step of ten decimals; on futures with a maximum of 24 digits.",
        (_Rewrite(_INFO, _of_document(_fine_step)),),
    ),
    "binance_odd_rows": Oddity(
        "In exchangeInfo, tickers, premiumIndex: a row of another shape, one without a name, a copy of BTCUSDT's.",
        (
            _Rewrite(_INFO, _of_document(_odd_symbols), _is_of_all),
            _Rewrite(_TICKERS, _of_document(_odd_list)),
        ),
    ),
    "binance_extra_columns": Oddity(
        "One more text at the end of each kline.", (_Rewrite(_KLINES, _of_document(_column)),)
    ),
    BINANCE_CLOSE_SETTLEMENTS: Oddity(
        "A second row of funding: at 00:00 with the same rate, at 08:00 with another one.",
        untrue=_Untrue("funding_rates", "funding_time", 8 * _HOUR),
    ),
    "binance_symbol_change": Oddity(
        "ETHUSDT of spot has another status, and a tick ten times as large.",
        (_Rewrite("/api/v3/exchangeInfo", _of_document(_changed_symbol)),),
    ),
}
"""The oddities by name."""


class Oddities:
    """The active oddities.

    `in_force` are their names.
    """

    def __init__(self, names: str = "") -> None:
        self.in_force: frozenset[str] = frozenset()
        chosen = ODDITIES if names == "all" else filter(None, names.split(","))
        self.switch(dict.fromkeys(chosen, True))

    def switch(self, wanted: Mapping[str, bool]) -> dict[str, bool]:
        """Switch some on or off, and return all. Raises ValueError for an unknown name."""
        for name, is_on in wanted.items():
            if name not in ODDITIES or not isinstance(is_on, bool):
                raise ValueError(
                    f"{name} = {is_on!r} is no oddity; there are {', '.join(ODDITIES)}, each true or false"
                )
        all_of_them = {name: wanted.get(name, name in self.in_force) for name in ODDITIES}
        self.in_force = frozenset(name for name, is_on in all_of_them.items() if is_on)
        return all_of_them

    def rewritten(self, request: Request, body: bytes) -> bytes:
        """Return the body of a good response, rewritten by the active oddities."""
        for oddity in self._oddities_in_force():
            for rewrite in oddity.rewrites:
                if re.fullmatch(rewrite.paths, request.path) and rewrite.fits(request):
                    body = rewrite.change(body)
        return body

    def true_rows(self, kind: str, table: pa.Table) -> pa.Table:
        """Return a truth table without the rows that active oddities hide or contradict."""
        for oddity in self._oddities_in_force():
            untrue = oddity.untrue
            if untrue is not None and untrue.table == kind:
                milliseconds = table[untrue.column].cast(pa.int64()).to_numpy() // 1000
                table = table.filter(milliseconds % _DAY != untrue.time)
        return table

    def _oddities_in_force(self) -> list[Oddity]:
        return [oddity for name, oddity in ODDITIES.items() if name in self.in_force]
