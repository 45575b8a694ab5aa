"""Find slips in the configuration that would otherwise go unnoticed: names that nothing reads."""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.configuration.resolve import resolve_configuration
from dlt.common.data_writers.buffered import BufferedDataWriter
from dlt.load.configuration import LoaderConfiguration
from dlt.normalize.configuration import NormalizeConfiguration

from binance_source.settings import BinanceConfiguration
from coinbase_source.settings import CoinbaseConfiguration
from exchange_engine.config.providers import SECRETS, ConfigurationError, files
from okx_source.settings import OkxConfiguration

from .project import ROOT

CONFIG_FILE: Final = ROOT / ".dlt" / "config.toml"

OPTIONS: Final = ("symbols", "intervals", "datasets")
"""Keys that are the defaults of command options."""

DLT_TABLES: Final = frozenset({"data_writer", "extract", "normalize", "schema"})
"""Tables below a source's section that dlt itself reads."""

SECTIONS: Final[Mapping[tuple[str, str], Collection[str] | None]] = {
    ("sources", "binance"): {*BinanceConfiguration().get_resolvable_fields(), *OPTIONS, *SECRETS},
    ("sources", "coinbase"): {*CoinbaseConfiguration().get_resolvable_fields(), *OPTIONS},
    ("sources", "okx"): {*OkxConfiguration().get_resolvable_fields(), *OPTIONS},
    ("destination", "market"): None,
}
"""This project's sections, and their keys; None if these depend on the destination and are dlt's."""

SETTINGS_OF_DLT: Final = {
    "load": LoaderConfiguration,
    "normalize": NormalizeConfiguration,
    "data_writer": BufferedDataWriter.BufferedDataWriterConfiguration,
}
"""Sections that dlt would read only after everything is fetched."""

_LIKE: Final = 0.8
"""The least similarity of two names that differ by a slip."""


def check() -> None:
    """Check that config.toml exists, that all files can be read, and that all names in files and environment are known.

    dlt's own settings are checked too if errors in them would show late.

    Raises:
        ConfigurationError: The message has the place, the name, and the nearest known name.
    """
    if not CONFIG_FILE.is_file():
        raise ConfigurationError(f"{CONFIG_FILE} is missing; get it back: git checkout .dlt/config.toml")
    for place, document in files():
        for wrong, right in _slips_of_file(document):
            raise ConfigurationError(f"{wrong} in {place} is unknown; {right}")
        public = _table(document, ("sources", "binance")).keys() & set(SECRETS)
        if public and os.path.basename(place).endswith("config.toml"):
            raise ConfigurationError(
                f"sources.binance.{min(public)} stands in {place}, which is no place for secrets; "
                "move it to .dlt/secrets.toml, and get a new one if the file was ever shared"
            )
    for name in os.environ:
        instead = _slip_of_variable(name)
        if instead:
            raise ConfigurationError(f"the variable {name} is unknown; {instead}")
    for section, settings in SETTINGS_OF_DLT.items():
        try:
            resolve_configuration(settings(), sections=(section,), accept_partial=True)
        except ConfigurationException as error:
            raise ConfigurationError(f"[{section}] of dlt, in .dlt/config.toml or a variable: {error}") from error


def _slips_of_file(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the unknown names in a file, each with what would be right."""
    for section, keys in SECTIONS.items():
        outer, inner = section
        whole = f"[{outer}.{inner}]"
        for name, value in document.items():
            if name == inner or (name != outer and get_close_matches(name, [outer], 1, _LIKE)):
                yield f"[{name}]", f"did you mean {whole}?"
            elif not isinstance(value, dict) and name in (keys or ()):
                yield name, f"it belongs below {whole}"
        for name in _table(document, (outer,)):
            if name != inner and get_close_matches(name.lower(), [inner], 1, _LIKE):
                yield f"[{outer}.{name}]", f"did you mean {whole}?"
        for name, value in _table(document, section).items():
            is_dlts = isinstance(value, dict) and name in DLT_TABLES
            if keys is not None and name not in keys and not is_dlts:
                yield f"{outer}.{inner}.{name}", _nearest(name, keys)


def _slip_of_variable(name: str) -> str | None:
    """Return what would be right in place of a variable that is not ours but looks like one, or None."""
    for (outer, inner), keys in SECTIONS.items():
        prefix = f"{outer}__{inner}__".upper()
        found = re.fullmatch(rf"{outer.rstrip('s')}s?_+{inner}s?_+(\w+)", name, re.IGNORECASE)
        if not found:
            continue
        if not name.startswith(prefix):
            return f"did you mean {prefix}{found[1].upper()}?"
        key, _, nested = found[1].partition("__")
        is_dlts = nested and key.lower() in DLT_TABLES
        if keys is not None and not is_dlts and (not key.isupper() or nested or key.lower() not in keys):
            return _nearest(found[1].lower(), keys, prefix)
    return None


def _nearest(name: str, keys: Collection[str], prefix: str = "") -> str:
    near = get_close_matches(name.lower().replace("-", "_"), sorted(keys), 1, 0.5)
    if not near:
        return "see .dlt/config.toml for the keys that there are"
    return f"did you mean {prefix}{near[0].upper() if prefix else near[0]}?"


def _table(document: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    node: Any = document
    for part in path:
        node = node.get(part, {}) if isinstance(node, dict) else {}
    return node if isinstance(node, dict) else {}
