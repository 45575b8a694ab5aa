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
    found = {f"{known[name].market}|{name}": (name, known[name]) for name in run.names if name in known}
    new = {key: line for key, line in found.items() if stored.get(key) != [line[1].base, line[1].quote]}
    if not new:
        return None
    stored.update({key: [one.base, one.quote] for key, (_, one) in new.items()})
    return build(
        CONNECTED_SYMBOLS,
        len(new),
        {
            "venue": run.venue.name,
            "market": [one.market for _, one in new.values()],
            "symbol": [name for name, _ in new.values()],
            "base_asset": [one.base or None for _, one in new.values()],
            "quote_asset": [one.quote or None for _, one in new.values()],
            "connected_at": [run.now_us] * len(new),
        },
    )


CONNECTED: Final = Remembered(CONNECTED_SYMBOLS, "stored", newly_connected)
