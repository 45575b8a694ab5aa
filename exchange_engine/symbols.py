"""Resolve requested symbols: names, patterns and "all", including symbols that only the archive has."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple, Protocol

from .request import Request, RequestError, known_names, nearest

ALL = "all"
_PATTERN = re.compile(r"[*?\[\]]")


@dataclass(frozen=True)
class Assets:
    """The assets of a symbol: `base` is priced in `quote`."""

    base: str
    quote: str


class ConnectedSymbol(NamedTuple):
    """A symbol as its venue described it when a run connected.

    Attributes:
        market: Such as "spot".
        base: The base asset; empty if the venue does not state it.
        quote: The quote asset; empty if the venue does not state it.
    """

    market: str
    base: str
    quote: str


class SymbolBook(Protocol):
    """Something that knows symbols: a market, or an account."""

    def assets(self) -> Mapping[str, Assets]:
        """Return the symbols that exchangeInfo lists, and their assets."""

    def archived(self) -> Set[str]:
        """Return the symbols that the archive has."""


def has_patterns(symbols: Iterable[str]) -> bool:
    """Return whether any of the symbols is a pattern or "all", so that the list of all symbols is needed."""
    return any(symbol.lower() == ALL or _PATTERN.search(symbol) for symbol in symbols)


def matches(symbol: str, known: Collection[str]) -> bool:
    """Return whether a name or pattern matches any known symbol."""
    if not has_patterns([symbol]):
        return symbol in known
    return any(symbol.lower() == ALL or fnmatchcase(name, symbol) for name in known)


def chooser(symbols: Sequence[str] | None, intervals: Sequence[str] | None) -> Callable[[str, str], bool]:
    """Return a function that tells whether a symbol and an interval are requested.

    Args:
        symbols: Names and patterns; None for all.
        intervals: Names; None for all. An empty interval (the dataset has none) always counts as requested.
    """

    def is_meant(symbol: str, interval: str) -> bool:
        of_symbols = symbols is None or any(one.lower() == ALL or fnmatchcase(symbol, one) for one in symbols)
        return of_symbols and (intervals is None or not interval or interval in intervals)

    return is_meant


def resolve_among(
    request: Request, here: SymbolBook, others: Iterable[SymbolBook]
) -> tuple[tuple[str, ...], list[str]]:
    """Return the requested symbols of one of several markets, and the requested names that only other markets know.

    Args:
        request: The request, with names and patterns.
        here: The market whose symbols are resolved.
        others: The other markets of the same request.

    Raises:
        RequestError: A name or pattern that no market knows, or a quote asset that matches nothing here.
    """
    exchange, archived = here.assets(), here.archived()
    known = {*exchange, *archived}
    elsewhere = {name for other in others for name in (*other.assets(), *other.archived())}
    meant = [name for name in request.symbols if matches(name, known) or not matches(name, elsewhere)]
    left_out = [name for name in request.symbols if name not in meant]
    return resolve(meant, request.quotes, exchange, archived) if meant else (), left_out


def resolve(
    symbols: Sequence[str],
    quotes: Sequence[str],
    exchange: Mapping[str, Assets],
    archive: Iterable[str] = (),
    listed_in: str = "symbols",
    unlisted: Set[str] = frozenset(),
) -> tuple[str, ...]:
    """Return the requested symbols in the order of the request; the matches of a pattern are sorted.

    Args:
        symbols: Names and patterns; "all" is every symbol.
        quotes: Only symbols with one of these quote assets; empty for all.
        exchange: The symbols that the venue lists (Binance: in exchangeInfo), and their assets.
        archive: The symbols that have files in the archive, including delisted ones.
        listed_in: The staging table that lists the symbols.
        unlisted: Symbols that patterns and "all" leave out.

    Raises:
        RequestError: An unknown name, or a pattern or quote asset that matches nothing.
    """
    known = sorted({*exchange, *archive})
    known_names("symbol", [symbol for symbol in symbols if not has_patterns([symbol])], known, listed_in)
    found: list[str] = []
    for symbol in symbols:
        if symbol.lower() == ALL:
            matching = [name for name in known if name not in unlisted]
        elif _PATTERN.search(symbol):
            matching = [name for name in known if fnmatchcase(name, symbol) and name not in unlisted]
            if not matching:
                raise RequestError(
                    f"no symbol matches {symbol!r}; patterns are case-sensitive, such as *USDT", "symbol"
                )
        else:
            matching = [symbol]
        found += matching
    names = tuple(dict.fromkeys(found))
    if not quotes:
        return names
    known_quotes = {assets.quote for assets in exchange.values()}
    bases = {assets.base for assets in exchange.values()}
    quote_of = {name: _quote_of(name, exchange, known_quotes | set(quotes), bases) for name in known}
    for quote in quotes:
        if quote not in known_quotes and quote not in quote_of.values():
            raise RequestError(f"unknown quote asset {quote!r}; {nearest(quote, sorted(known_quotes))}")
    kept = tuple(name for name in names if quote_of[name] in quotes)
    if not kept:
        raise RequestError(f"none of the symbols has the quote asset {' or '.join(quotes)}")
    return kept


def _quote_of(name: str, exchange: Mapping[str, Assets], quotes: set[str], bases: set[str]) -> str | None:
    """Return a symbol's quote asset, or None.

    A symbol that exchangeInfo no longer lists has to be split by its name. If it ends in several quote assets (ADAEUR
    is ADA in EUR, not AD in AEUR), the longest one that leaves a known base asset counts, or else the longest.
    """
    if name in exchange:
        return exchange[name].quote
    ends = sorted((quote for quote in quotes if name.endswith(quote) and name != quote), key=len, reverse=True)
    known = [quote for quote in ends if name.removesuffix(quote) in bases]
    return next(iter([*known, *ends]), None)
