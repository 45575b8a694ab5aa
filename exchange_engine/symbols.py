"""Which symbols a request means: names, patterns, all of them, those that an archive alone has among them."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple, Protocol

from .request import Request, RequestError, check_symbols, nearest

ALL = "all"
_PATTERN = re.compile(r"[*?\[\]]")


@dataclass(frozen=True)
class Assets:
    """What a symbol trades: `base` is priced in `quote`."""

    base: str
    quote: str


class ConnectedSymbol(NamedTuple):
    """A symbol as its venue named it when a run connected.

    Attributes:
        market: Such as "spot".
        base: What it trades; empty where the venue does not say it.
        quote: What that is priced in.
    """

    market: str
    base: str
    quote: str


class SymbolBook(Protocol):
    """What knows symbols: a market, or an account."""

    def assets(self) -> Mapping[str, Assets]:
        """Return the symbols that exchangeInfo lists, and their assets."""

    def archived(self) -> Set[str]:
        """Return the symbols of the archive."""


def has_patterns(symbols: Iterable[str]) -> bool:
    """Tell whether symbols have to be looked up in the list of all symbols."""
    return any(symbol.lower() == ALL or _PATTERN.search(symbol) for symbol in symbols)


def matches(symbol: str, known: Collection[str]) -> bool:
    """Tell whether a name or pattern means any of some symbols."""
    if not has_patterns([symbol]):
        return symbol in known
    return any(symbol.lower() == ALL or fnmatchcase(name, symbol) for name in known)


def chooser(symbols: Sequence[str] | None, intervals: Sequence[str] | None) -> Callable[[str, str], bool]:
    """Return a function that tells whether a symbol and an interval are meant.

    Args:
        symbols: Names and patterns; None is all of them.
        intervals: Names; None is all of them. What has no interval (empty) is meant in any case.
    """

    def is_meant(symbol: str, interval: str) -> bool:
        of_symbols = symbols is None or any(one.lower() == ALL or fnmatchcase(symbol, one) for one in symbols)
        return of_symbols and (intervals is None or not interval or interval in intervals)

    return is_meant


def resolve_among(
    request: Request, here: SymbolBook, others: Iterable[SymbolBook]
) -> tuple[tuple[str, ...], list[str]]:
    """Return the symbols that are meant of one of several markets, and the names in the request that only others know.

    Args:
        request: With the names and patterns.
        here: The market whose symbols are looked for.
        others: The other markets of the same request.

    Raises:
        RequestError: A name or pattern that none of them knows.
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
    """Return the symbols that are meant, in the order in which they were named, those of a pattern by the alphabet.

    Args:
        symbols: Names and patterns; "all" is every symbol.
        quotes: Only symbols with one of these quote assets; empty for all.
        exchange: What exchangeInfo lists.
        archive: Symbols that the archive has files of, delisted ones among them.
        listed_in: The staging table that lists them.
        unlisted: Those that a pattern does not mean.

    Raises:
        RequestError: A name that neither knows, or a pattern or quote asset that fits nothing.
    """
    known = sorted({*exchange, *archive})
    check_symbols([symbol for symbol in symbols if not has_patterns([symbol])], known, listed_in)
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
    """Return a symbol's quote asset.

    A symbol that exchangeInfo has forgotten can only be cut in two: where several quote assets end it (ADAEUR is ADA in
    EUR, and not AD in AEUR), the one that leaves an asset that is known, or else the longest.
    """
    if name in exchange:
        return exchange[name].quote
    ends = sorted((quote for quote in quotes if name.endswith(quote) and name != quote), key=len, reverse=True)
    known = [quote for quote in ends if name.removesuffix(quote) in bases]
    return next(iter([*known, *ends]), None)
