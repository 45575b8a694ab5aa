"""Mark price, index price and funding of all futures at one moment: GET /fapi/v1/premiumIndex."""

from collections.abc import Sequence

import msgspec
import pyarrow as pa

from exchange_engine.columns import Milliseconds, build, decimals, times_from_ms, times_from_us
from exchange_engine.http.transport import Tally
from exchange_engine.listed import Listed, ListReader, Snapshot, as_snapshot

from ..schemas import PREMIUM_INDEX, PREMIUM_NUMBERS
from .client import RestClient


class Premium(msgspec.Struct, rename="camel"):
    """A row of GET /fapi/v1/premiumIndex. Delivery contracts have no funding: empty texts, and a time of 0."""

    symbol: str
    mark_price: str
    index_price: str
    time: Milliseconds
    estimated_settle_price: str = ""
    last_funding_rate: str = ""
    interest_rate: str = ""
    next_funding_time: Milliseconds = 0


_READER = ListReader(Premium, "symbol")


def fetch_premium_index(client: RestClient, symbols: Sequence[str], tally: Tally) -> Listed[Premium]:
    """Fetch all symbols in one request, and return the requested ones.

    Args:
        client: Client of the market.
        symbols: Names that Binance knows.
        tally: Where the request is counted.
    """
    wanted = set(symbols)
    return client.get("premiumIndex", {}, lambda body: _READER.read(body, wanted), tally=tally)


def premium_index_snapshot(listed: Listed[Premium], snapshot_us: int) -> Snapshot:
    """Return rows as the staging table, those that do not fit as rejected.

    Args:
        listed: Rows of the response.
        snapshot_us: Binance's time in microseconds since 1970.
    """
    return as_snapshot(listed, lambda row: row.symbol, lambda rows: _table(rows, snapshot_us))


def _table(rows: Sequence[Premium], snapshot_us: int) -> pa.Table:
    names = [row.symbol for row in rows]

    def numbers(name: str) -> pa.Array:
        return decimals([getattr(row, name) or None for row in rows], name, names)

    return build(
        PREMIUM_INDEX,
        len(rows),
        {
            "symbol": names,
            "snapshot_time": times_from_us([snapshot_us] * len(rows)),
            **{name: numbers(name) for name in PREMIUM_NUMBERS},
            "next_funding_time": [row.next_funding_time * 1000 or None for row in rows],
            "exchange_time": times_from_ms([row.time for row in rows]),
        },
    )
