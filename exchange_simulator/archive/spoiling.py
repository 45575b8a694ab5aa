"""Spoil files of the archive: their rows, the members of their zips, or the zips themselves."""

import hashlib
import io
import random
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from exchange_simulator.archive.base import checksum_text
from exchange_simulator.archive.faults import ArchiveFault
from exchange_simulator.archive.keys import (
    AGGREGATES,
    FUNDING_RATES,
    FUTURES,
    KLINES,
    MARK_PRICE_KLINES,
    METRICS,
    SPOT,
    TRADES,
    Series,
    split_key,
)
from exchange_simulator.archive.zips import make_zip
from exchange_simulator.clock import to_microseconds

Row = list[str]
Members = list[tuple[str, Iterable[bytes]]]
_LOCAL_HEADER_BYTES: Final = 30
_NAME_LENGTH_AT, _EXTRA_LENGTH_AT = 26, 28
_MILLISECOND_TIMES_END: Final = 10**14
_HIGH_COLUMN: Final = 2


@dataclass(frozen=True)
class _Layout:
    """The columns of a kind of file: their names, the time, and the one that changes when a row does."""

    header: str
    time: int
    changed: int
    is_kline: bool = False


_KLINES: Final = _Layout(
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore",
    time=0,
    changed=4,
    is_kline=True,
)
_LAYOUTS: Final = {
    f"{SPOT.root}{KLINES}": _KLINES,
    f"{SPOT.root}{AGGREGATES}": _Layout(
        "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker,is_best_match", 5, 1
    ),
    f"{SPOT.root}{TRADES}": _Layout("id,price,qty,quote_qty,time,is_buyer_maker,is_best_match", 4, 1),
    f"{FUTURES.root}{KLINES}": _KLINES,
    f"{FUTURES.root}{MARK_PRICE_KLINES}": _KLINES,
    f"{FUTURES.root}{AGGREGATES}": _Layout(
        "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker", 5, 1
    ),
    f"{FUTURES.root}{FUNDING_RATES}": _Layout("calc_time,funding_interval_hours,last_funding_rate", 0, 2),
    f"{FUTURES.root}{METRICS}": _Layout(
        "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
        "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio",
        0,
        2,
    ),
}
_BOMB_PIECE_BYTES: Final = 1 << 20
_NOT_A_ZIP: Final = b"<html><head><title>Maintenance</title></head><body>We will be back soon.</body></html>"


def spoilt(original: bytes, key: str, faults: Sequence[ArchiveFault]) -> bytes:
    """Return the zip of a key, spoilt by the active faults: first its rows, then its members, then its bytes."""
    layout = _layout(key)
    with zipfile.ZipFile(io.BytesIO(original)) as archive:
        name = archive.namelist()[0]
        rows = [line.split(",") for line in archive.read(name).decode().splitlines()]
    # The header of a recorded file is not a row.
    header = [rows.pop(0)] if rows and not rows[0][0][:1].isdigit() else []
    for fault in faults:
        if fault.kind in _ROWS:
            rows = _ROWS[fault.kind](rows, layout, fault.settings)
        if fault.kind == "header":
            header = [layout.header.split(",")]
    text = "".join(",".join(cells) + "\n" for cells in header + rows).encode()
    members: Members = [(name, [text])]
    for fault in faults:
        if fault.kind in _MEMBERS:
            members = _MEMBERS[fault.kind](members, text, fault.settings)
    content = make_zip(members)
    for fault in faults:
        if fault.kind in _BYTES:
            content = _BYTES[fault.kind](content, fault.settings)
    return content


def cut_length(size: int, settings: Mapping[str, Any]) -> int:
    """Return how many bytes of a cut zip are kept: as the fault says, or half of them."""
    return min(int(settings.get("bytes", size // 2)), size)


def corrupted(content: bytes) -> bytes:
    """Return a zip with one byte of its compressed data flipped."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        member = archive.infolist()[0]
    header = content[member.header_offset : member.header_offset + _LOCAL_HEADER_BYTES]
    names = sum(int.from_bytes(header[at : at + 2], "little") for at in (_NAME_LENGTH_AT, _EXTRA_LENGTH_AT))
    place = member.header_offset + _LOCAL_HEADER_BYTES + names + member.compress_size // 2
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def wrong_checksum(name: str) -> bytes:
    """Return a CHECKSUM file for other bytes than the zip's."""
    return checksum_text(hashlib.sha256(b"the file as it was before").hexdigest(), name)


def header_of(series: Series) -> str:
    """Return the column names of a series' files."""
    return _LAYOUTS[f"{series.branch.root}{series.kind}"].header


def _layout(key: str) -> _Layout:
    """Return the layout of the file of a key; that of klines if no generated file has this key."""
    parts = split_key(key)
    return _KLINES if parts is None else _LAYOUTS[f"{parts[0].branch.root}{parts[0].kind}"]


def _time_ms(row: Row, layout: _Layout) -> int:
    text = row[layout.time]
    if not text.isdigit():
        return to_microseconds(datetime.fromisoformat(text)) // 1000
    time = int(text)
    return time if time < _MILLISECOND_TIMES_END else time // 1000


def _drop(rows: list[Row], layout: _Layout, settings: Mapping[str, Any]) -> list[Row]:
    return [row for row in rows if not settings["from_ms"] <= _time_ms(row, layout) < settings["to_ms"]]


def _duplicate(rows: list[Row], _layout: _Layout, settings: Mapping[str, Any]) -> list[Row]:
    return [row for index, row in enumerate(rows, 1) for _ in range(2 if index % settings["every"] == 0 else 1)]


def _shuffle(rows: list[Row], _layout: _Layout, settings: Mapping[str, Any]) -> list[Row]:
    shuffled = list(rows)
    random.Random(settings["seed"]).shuffle(shuffled)  # noqa: S311 - chance, not a secret
    return shuffled


def _change(rows: list[Row], layout: _Layout, settings: Mapping[str, Any]) -> list[Row]:
    """Raise every n-th price by one tick: the smallest step among the file's own prices."""
    column = layout.changed
    decimals = max((len(row[column].partition(".")[2].rstrip("0")) for row in rows), default=0)
    return [
        _raised(row, layout, Decimal(1).scaleb(-decimals)) if index % settings["every"] == 0 else row
        for index, row in enumerate(rows, 1)
    ]


def _raised(row: Row, layout: _Layout, tick: Decimal) -> Row:
    changed, column = list(row), layout.changed
    price = Decimal(row[column]) + tick
    changed[column] = f"{price:f}"
    if layout.is_kline and price > Decimal(row[_HIGH_COLUMN]):
        changed[_HIGH_COLUMN] = changed[column]
    return changed


def _republish(rows: list[Row], layout: _Layout, settings: Mapping[str, Any]) -> list[Row]:
    """Return the rows as they were before the file was published again: some left out, or changed, or both."""
    if "from_ms" in settings:
        rows = _drop(rows, layout, settings)
        return rows if "every" not in settings else _change(rows, layout, settings)
    return _change(rows, layout, {"every": 10, **settings})


def _put_text(rows: list[Row], _layout: _Layout, settings: Mapping[str, Any]) -> list[Row]:
    changed = [list(row) for row in rows]
    if settings["row"] < len(rows) and settings["column"] < len(rows[0]):
        changed[settings["row"]][settings["column"]] = settings["text"]
    return changed


def _add_member(members: Members, text: bytes, _settings: Mapping[str, Any]) -> Members:
    return [*members, (f"copy-of-{members[0][0]}", [text])]


def _rename(members: Members, _text: bytes, _settings: Mapping[str, Any]) -> Members:
    return [("../../evil.csv", members[0][1]), *members[1:]]


def _inflate(members: Members, text: bytes, settings: Mapping[str, Any]) -> Members:
    """Replace the first member by a long one that repeats one line, so that the zip stays small."""
    line = text.partition(b"\n")[0] + b"\n"
    piece = line * (_BOMB_PIECE_BYTES // len(line))

    def pieces() -> Iterator[bytes]:
        whole, rest = divmod(settings["bytes"], len(piece))
        for _ in range(whole):
            yield piece
        yield piece[:rest]

    return [(members[0][0], pieces()), *members[1:]]


_ROWS: Final[dict[str, Callable[[list[Row], _Layout, Mapping[str, Any]], list[Row]]]] = {
    "drop_rows": _drop,
    "duplicate_rows": _duplicate,
    "unsorted": _shuffle,
    "change_rows": _change,
    "republished": _republish,
    "bad_number": _put_text,
}
_MEMBERS: Final[dict[str, Callable[[Members, bytes, Mapping[str, Any]], Members]]] = {
    "two_members": _add_member,
    "absurd_name": _rename,
    "bomb": _inflate,
}
_BYTES: Final[dict[str, Callable[[bytes, Mapping[str, Any]], bytes]]] = {
    "short_zip": lambda content, settings: content[: cut_length(len(content), settings)],
    "not_a_zip": lambda _content, _settings: _NOT_A_ZIP,
}
