"""What an account holds: GET /api/v3/account, signed."""

import msgspec
import pyarrow as pa

from ..columns import build, decimals, times_from_us
from ..rest.client import Tally
from ..rest.errors import BadResponseError
from ..rest.signed import SignedClient
from ..schemas import ACCOUNT_BALANCES


class Balance(msgspec.Struct):
    """What an account has of one asset: free to be traded, and locked in orders."""

    asset: str
    free: str
    locked: str


class Account(msgspec.Struct):
    """The answer of GET /api/v3/account; `uid` says whose it is."""

    balances: list[Balance]
    uid: int | None = None


_DECODER = msgspec.json.Decoder(Account)


def _decode(body: bytes) -> Account:
    account = _DECODER.decode(body)
    if len({one.asset for one in account.balances}) < len(account.balances):
        raise BadResponseError("account answered with an asset twice")
    return account


def fetch_account(client: SignedClient, tally: Tally | None = None) -> Account:
    """Ask whose account it is, and for all balances that are not zero."""
    return client.get("account", {"omitZeroBalances": "true"}, _decode, tally=tally)


def balances_table(account: Account, snapshot_us: int) -> pa.Table:
    """Turn balances into the staging table.

    Args:
        account: As the exchange gave it.
        snapshot_us: The exchange's time in microseconds since 1970.
    """
    assets = [one.asset for one in account.balances]
    return build(
        ACCOUNT_BALANCES,
        len(assets),
        {
            "snapshot_time": times_from_us([snapshot_us] * len(assets)),
            "asset": assets,
            "free": decimals([one.free for one in account.balances], "free", assets),
            "locked": decimals([one.locked for one in account.balances], "locked", assets),
        },
    )
