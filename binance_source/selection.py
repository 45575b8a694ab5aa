"""Which symbols are meant: names, patterns such as *USDT, all of them; of the exchange, and of the archive's past."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .request import RequestError, check_symbols, nearest

ALL = "all"
_PATTERN = re.compile(r"[*?\[\]]")


@dataclass(frozen=True)
class Assets:
    """What a symbol trades: `base` is priced in `quote`."""

    base: str
    quote: str


def has_patterns(symbols: Iterable[str]) -> bool:
    """Tell whether symbols have to be looked up in the list of all symbols."""
    return any(symbol.lower() == ALL or _PATTERN.search(symbol) for symbol in symbols)


def resolve(
    symbols: Sequence[str], quotes: Sequence[str], exchange: Mapping[str, Assets], archive: Iterable[str]
) -> tuple[str, ...]:
    """Give the symbols that are meant, in the order in which they were named, those of a pattern by the alphabet.

    Args:
        symbols: Names and patterns; "all" is every symbol.
        quotes: Only symbols with one of these quote assets; empty for all.
        exchange: What exchangeInfo lists.
        archive: Symbols that the archive has files of, delisted ones among them.

    Raises:
        RequestError: A name that neither knows, or a pattern or quote asset that fits nothing.
    """
    known = sorted({*exchange, *archive})
    check_symbols([symbol for symbol in symbols if not has_patterns([symbol])], known)
    found: list[str] = []
    for symbol in symbols:
        if symbol.lower() == ALL:
            matching = known
        elif _PATTERN.search(symbol):
            matching = [name for name in known if fnmatchcase(name, symbol)]
            if not matching:
                raise RequestError(f"no symbol matches {symbol!r}; patterns are case-sensitive, such as *USDT")
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
    """Give a symbol's quote asset.

    A symbol that exchangeInfo has forgotten can only be cut in two: where several quote assets end it (ADAEUR is ADA in
    EUR, and not AD in AEUR), the one that leaves an asset that is known, or else the longest.
    """
    if name in exchange:
        return exchange[name].quote
    ends = sorted((quote for quote in quotes if name.endswith(quote) and name != quote), key=len, reverse=True)
    known = [quote for quote in ends if name.removesuffix(quote) in bases]
    return next(iter([*known, *ends]), None)
