"""staging.connected_symbols: symbols and their assets, as the venue gave them when the run connected."""

from typing import Any, Final

import pyarrow as pa

from .columns import build
from .run import Run
from .tables import CONNECTED_SYMBOLS
from .venue import Remembered


def newly_connected(run: Run, stored: dict[str, Any]) -> pa.Table | None:
    """Return rows for the run's symbols whose assets are not stored yet, or None if there are none.

    Args:
        run: The run, open.
        stored: The stored assets by market and symbol; updated in place.
    """
    known = run.venue.connected()
    found = {f"{known[name].market}|{name}": (name, *known[name]) for name in run.names if name in known}
    new = {key: line for key, line in found.items() if stored.get(key) != list(line[2:])}
    if not new:
        return None
    stored.update({key: list(line[2:]) for key, line in new.items()})
    names, markets, bases, quotes = zip(*new.values(), strict=True)
    columns = {
        "venue": run.venue.name, "market": markets, "symbol": names, "base_asset": [base or None for base in bases],
        "quote_asset": [quote or None for quote in quotes], "connected_at": [run.now_us] * len(new),
    }  # fmt: skip
    return build(CONNECTED_SYMBOLS, len(new), columns)


CONNECTED: Final = Remembered(CONNECTED_SYMBOLS, "stored", newly_connected)
