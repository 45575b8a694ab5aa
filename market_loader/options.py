"""The options of the pipeline commands, and their defaults from .dlt/config.toml."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from binance_source.datasets import DATASETS
from binance_source.settings import SECTIONS
from exchange_engine.config.providers import ConfigurationError, lookup
from exchange_engine.config.rules import names_of
from exchange_engine.request import AUTO, SOURCES, RequestError

from . import codes, lock

EXIT_CODES = "Exit codes: 0 all done; 1 something asked for is not loaded; 2 the request itself is wrong."


def comma_list(text: str) -> list[str]:
    """Return the names in "A,B"."""
    return [name.strip() for name in text.split(",")]


def parser() -> argparse.ArgumentParser:
    """Return the command line parser for Binance."""
    found = argparse.ArgumentParser(
        description="Load Binance market data into DuckDB. Without options it loads what .dlt/config.toml names, and "
        "goes on where the last run ended.",
        epilog=EXIT_CODES,
    )
    add = found.add_argument
    add("--symbols", type=comma_list, metavar="A,B", help="such as BTCUSDT,ETHUSDT; patterns, '*USDT'; or all")
    add("--quote", type=comma_list, metavar="A,B", help="only symbols that are priced in these assets, such as USDT")
    add("--intervals", type=comma_list, metavar="1m,1h", help="kline intervals; 1m is a minute, 1M a month")
    add("--datasets", type=comma_list, metavar="A,B", help=f"of {', '.join(DATASETS)}")
    add(
        "--market",
        type=comma_list,
        metavar="spot,um",
        help="spot, or um for USD-M futures; by default each dataset is fetched of the first of them that has it",
    )
    add_period(found, "; an account's trades are loaded as a whole in any case")
    add(
        "--source",
        choices=SOURCES,
        default=AUTO,
        help="where klines and trades come from: the archive data.binance.vision, REST, or (auto) the archive where it "
        "has them, and REST for the rest",
    )
    add(
        "--keep-archives",
        type=Path,
        metavar="FOLDER",
        help="keep the archive's zips in a folder, and take from there what is whole",
    )
    add(
        "--revisions",
        action="store_true",
        help="look whether the archive has published loaded files again (of all symbols, unless --symbols says "
        "otherwise), and load those anew",
    )
    add(
        "--repair",
        action="store_true",
        help="ask again, at the archive and at REST, for what is missing of what was asked for before (of all symbols, "
        "unless --symbols says otherwise), and load what is found",
    )
    add_common(found)
    return found


def add_period(found: argparse.ArgumentParser, besides: str = "") -> None:
    """Add the options for the requested period.

    Args:
        found: The parser.
        besides: Text to add to the help of --start.
    """
    add = found.add_argument
    add(
        "--start",
        metavar="TIME",
        help=f"UTC date or datetime, inclusive; an earlier one extends history backwards{besides}",
    )
    add("--end", metavar="TIME", help="UTC date or datetime, exclusive; default now")


def add_common(found: argparse.ArgumentParser) -> None:
    """Add the options that all venues' commands have, on what to do with the data."""
    add = found.add_argument
    add("--plan", action="store_true", help="print what would be fetched, and stop")
    add("--transform", action=argparse.BooleanOptionalAction, default=False, help="run `dbt build` afterwards")
    add("--progress", choices=("tqdm", "log", "none"), default="tqdm", help="how progress is shown")
    lock.add_option(found)
    add_part(found)


def add_part(found: argparse.ArgumentParser) -> None:
    """Add the hidden option of a command that runs as a part of all venues."""
    found.add_argument(codes.AS_PART, action="store_true", help=argparse.SUPPRESS)


def _configured_list(given: Sequence[str] | None, key: str, section: str) -> list[str]:
    if given is not None:
        return list(given)
    found = lookup(key, (SECTIONS[0], section))
    if found is None:
        raise RequestError(f"no {key}: give --{key} A,B or set {key} under [sources.{section}] in .dlt/config.toml")
    names = names_of(found.value)
    if not names:
        raise ConfigurationError(
            f"{SECTIONS[0]}.{section}.{key} is {found.shown}; it must be a list of names, such as "
            f'["A", "B"] (set by {found.place}); or give --{key} A,B'
        )
    return names


def what(given: argparse.Namespace, section: str) -> tuple[list[str], list[str], list[str]]:
    """Return symbols, intervals and datasets, from the options or else from the configuration.

    Args:
        given: The options.
        section: Section below `sources`, such as "binance".

    Raises:
        RequestError: One of them is neither given nor configured.
        ConfigurationError: What is configured is not a list of names.
    """
    symbols, intervals, datasets = (
        _configured_list(getattr(given, key), key, section) for key in ("symbols", "intervals", "datasets")
    )
    return symbols, intervals, datasets


def with_place(error: Exception, given: argparse.Namespace, section: str) -> str:
    """Return the message of an error, with the place of a wrong name that was configured rather than an option."""
    key = f"{getattr(error, 'kind', '')}s"
    if getattr(given, key, ()) is None and (found := lookup(key, (SECTIONS[0], section))):
        return f"{error} (set by {found.place})"
    return str(error)
