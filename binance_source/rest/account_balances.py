"""The balances of an account: GET /api/v3/account, signed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import pyarrow as pa

from exchange_engine.columns import build, decimals, times_from_us
from exchange_engine.http.transport import Tally
from exchange_engine.listed import Listed, ListReader, Snapshot, as_snapshot

from ..schemas import ACCOUNT_BALANCES
from .signed import SignedClient


class Balance(msgspec.Struct):
    """An account's balance of one asset: free for trading, and locked in orders."""

    asset: str
    free: str
    locked: str


class _Owner(msgspec.Struct):
    uid: int | None = None


@dataclass(frozen=True)
class Account:
    """The response of GET /api/v3/account; `uid` identifies the account."""

    balances: Listed[Balance] = field(default_factory=lambda: Listed([]))
    uid: int | None = None


_READER = ListReader(Balance, "asset", "balances")
_OWNER = msgspec.json.Decoder(_Owner)


def _decode(body: bytes) -> Account:
    return Account(_READER.read(body), _OWNER.decode(body).uid)


def fetch_account(client: SignedClient, tally: Tally | None = None) -> Account:
    """Fetch the account's uid and all balances that are not zero."""
    return client.get("account", {"omitZeroBalances": "true"}, _decode, tally=tally)


def balances_snapshot(account: Account, snapshot_us: int) -> Snapshot:
    """Return balances as the staging table, with the rows that do not fit as rejected.

    Args:
        account: The response.
        snapshot_us: Binance's time in microseconds since 1970.
    """
    return as_snapshot(account.balances, lambda one: one.asset, lambda rows: _table(rows, snapshot_us))


def _table(balances: Sequence[Balance], snapshot_us: int) -> pa.Table:
    assets = [one.asset for one in balances]
    return build(
        ACCOUNT_BALANCES,
        len(assets),
        {
            "snapshot_time": times_from_us([snapshot_us] * len(assets)),
            "asset": assets,
            "free": decimals([one.free for one in balances], "free", assets),
            "locked": decimals([one.locked for one in balances], "locked", assets),
        },
    )
