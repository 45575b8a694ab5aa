"""A market of recorded files, served digit by digit. Times in microseconds."""

import csv
import gzip
import io
import json
import re
import zipfile
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from exchange_simulator.market.base import Book, Selection
from exchange_simulator.market.intervals import INTERVALS
from exchange_simulator.market.render import json_array
from exchange_simulator.market.truth import DECIMAL, TIMESTAMP, schema_of

_FILE_NAME = re.compile(r"(?P<symbol>[^-/]+)-(?P<interval>\d+[smhdwM]o?)-\d{4}")
_KLINE_COLUMNS = 12
_TIME_COLUMNS = (0, 6)
_COUNT_COLUMN = 8
_MICROSECOND_DIGITS = 16
# Later folders win over earlier ones: REST and daily files are better than monthly files.
_KLINE_FOLDERS = ("vision_spot_monthly", "rest_json", "vision_spot_daily")


class RecordingError(ValueError):
    """The recordings cannot be served; the text says which and why."""


@dataclass
class _Series:
    """Recorded rows in order, with the number by which they are looked up."""

    keys: list[int] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)


def _milliseconds(text: str) -> int:
    return int(text) // 1000 if len(text) >= _MICROSECOND_DIGITS else int(text)


def _kline(cells: Iterable[Any]) -> list[Any]:
    """Return a kline as the API sends it: times in ms, every number as the recorded text."""
    row = [str(cell) for cell in cells]
    if len(row) != _KLINE_COLUMNS:
        raise RecordingError(f"a kline of {len(row)} columns, expected {_KLINE_COLUMNS}: {','.join(row)}")
    wire: list[Any] = list(row)
    for column in _TIME_COLUMNS:
        wire[column] = _milliseconds(row[column])
    wire[_COUNT_COLUMN] = int(row[_COUNT_COLUMN])
    return wire


def _csv_rows(text: str) -> Iterator[list[Any]]:
    for cells in csv.reader(io.StringIO(text)):
        if cells and cells[0].isdigit():
            yield _kline(cells)


def _read_klines(path: Path) -> list[list[Any]]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return [row for name in archive.namelist() for row in _csv_rows(archive.read(name).decode())]
    text = path.read_text(encoding="utf-8")
    return [_kline(cells) for cells in json.loads(text)] if path.suffix == ".json" else list(_csv_rows(text))


class RecordedMarket:
    """A market read from a folder; see Market for the methods. What was not recorded is an empty array."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise RecordingError(f"{folder} is not a folder")
        self._klines: dict[tuple[str, str], _Series] = {}
        self._aggregates: dict[str, _Series] = {}
        self._tickers: dict[str, dict[str, Any]] = {}
        self._infos: dict[str, dict[str, Any]] = {}
        self._read_all(folder)
        if not self._klines:
            raise RecordingError(f"{folder} holds no klines_*/{{{','.join(_KLINE_FOLDERS)}}} with klines")
        closes = [row[6] for series in self._klines.values() for row in series.rows]
        self.newest = (max(closes) + 1) * 1000

    def _read_all(self, folder: Path) -> None:
        for name in _KLINE_FOLDERS:
            for path in sorted(folder.glob(f"klines_*/{name}/**/*")):
                match = _FILE_NAME.match(path.name)
                if match and path.suffix in (".zip", ".csv", ".json") and match["interval"] in INTERVALS:
                    self._add_klines(match["symbol"], match["interval"], _read_klines(path))
        for series in self._klines.values():
            by_open = dict(zip(series.keys, series.rows, strict=True))
            series.keys = sorted(by_open)
            series.rows = [by_open[key] for key in series.keys]
        for path in sorted(folder.glob("trades/rest_aggtrades/*.json")):
            rows = sorted(json.loads(path.read_text(encoding="utf-8")), key=lambda row: int(row["a"]))
            self._aggregates[path.name.partition("-")[0]] = _Series([row["a"] for row in rows], rows)
        for path in sorted(folder.glob("ticker_24hr/spot_ticker_24hr*.json")):
            self._tickers |= {row["symbol"]: row for row in json.loads(path.read_text(encoding="utf-8"))}
        for path in sorted(folder.glob("exchange_info/spot_exchangeInfo*.json.gz")):
            content = json.loads(gzip.decompress(path.read_bytes()))
            self._infos |= {info["symbol"]: info for info in content["symbols"]}

    def _add_klines(self, symbol: str, interval: str, rows: list[list[Any]]) -> None:
        series = self._klines.setdefault((symbol, interval), _Series())
        series.keys += [row[0] for row in rows]
        series.rows += rows

    def symbols(self, now: int) -> list[str]:  # noqa: ARG002 - the recording has no listing dates
        """Return the names of the symbols in the recorded exchangeInfo."""
        return list(self._infos)

    def symbol_info(self, symbol: str, now: int) -> dict[str, Any]:  # noqa: ARG002
        """Return the recorded entry."""
        return self._infos[symbol]

    def status(self, symbol: str, now: int) -> str:  # noqa: ARG002
        """Return the recorded status."""
        return str(self._infos[symbol]["status"])

    def klines(
        self, symbol: str, interval: str, wanted: Selection, now: int, microseconds: bool, zone_offset: int
    ) -> bytes:
        """Return recorded klines; none with a timeZone, since none were recorded."""
        series = self._klines.get((symbol, interval), _Series())
        if zone_offset:
            series = _Series()
        first = 0 if wanted.start is None else bisect_left(series.keys, -(-wanted.start // 1000))
        end = now - 1 if wanted.end is None else min(wanted.end, now - 1)
        last = bisect_right(series.keys, end // 1000)
        rows = series.rows[first:last]
        rows = rows[-wanted.limit :] if wanted.takes_latest else rows[: wanted.limit]
        if microseconds:
            rows = [[row[0] * 1000, *row[1:6], row[6] * 1000 + 999, *row[7:]] for row in rows]
        return _json_rows(rows)

    def trades(self, symbol: str, wanted: Selection, now: int, microseconds: bool) -> bytes:  # noqa: ARG002
        """Return nothing: there are no recordings of single trades for REST."""
        return b"[]"

    def aggregates(self, symbol: str, wanted: Selection, now: int, microseconds: bool) -> bytes:
        """Return recorded aggregate trades."""
        series = self._aggregates.get(symbol, _Series())
        start = bisect_left(series.keys, wanted.from_id or 0)
        end = now - 1 if wanted.end is None else min(wanted.end, now - 1)
        first_ms = 0 if wanted.start is None else -(-wanted.start // 1000)
        rows = [row for row in series.rows[start:] if first_ms <= row["T"] <= end // 1000]
        rows = rows[-wanted.limit :] if wanted.takes_latest else rows[: wanted.limit]
        if microseconds:
            rows = [{**row, "T": row["T"] * 1000} for row in rows]
        return _json_rows(rows)

    def ticker(self, symbol: str, now: int) -> dict[str, Any] | None:  # noqa: ARG002
        """Return the recorded 24-hour ticker."""
        return self._tickers.get(symbol)

    def last_price(self, symbol: str, now: int) -> str | None:  # noqa: ARG002
        """Return the last price of the recorded ticker."""
        return str(self._tickers[symbol]["lastPrice"]) if symbol in self._tickers else None

    def book(self, symbol: str, now: int, levels: int) -> Book:  # noqa: ARG002
        """Return the best bid and ask of the recorded ticker."""
        ticker = self._tickers.get(symbol)
        if ticker is None:
            return Book(0, [], [])
        bid, ask = (ticker["bidPrice"], ticker["bidQty"]), (ticker["askPrice"], ticker["askQty"])
        return Book(int(ticker["lastId"]), [bid], [ask])

    def average_price(self, symbol: str, now: int) -> tuple[str, int]:  # noqa: ARG002
        """Return the weighted average of the recorded ticker, and its time."""
        ticker = self._tickers.get(symbol)
        return (ticker["weightedAvgPrice"], int(ticker["closeTime"])) if ticker else ("0.00000000", 0)

    def truth(
        self, kind: str, symbol: str, interval: str, start: int, end: int, now: int, with_tombstones: bool
    ) -> pa.Table:
        """Return the recorded rows in [start, end]; only closed klines."""
        if kind == "klines":
            series = self._klines.get((symbol, interval), _Series())
            low, high = bisect_left(series.keys, -(-start // 1000)), bisect_right(series.keys, end // 1000)
            rows = [row for row in series.rows[low:high] if (row[6] + 1) * 1000 <= now]
            cells = [[symbol, interval, *row[: _KLINE_COLUMNS - 1]] for row in rows]
            return _text_table(kind, cells)
        if kind == "trades":
            return schema_of(kind).empty_table()
        aggregates = self._aggregates.get(symbol, _Series()).rows
        last = min(end, now - 1) // 1000
        return _text_table(
            kind,
            [
                [symbol, row["a"], row["p"], row["q"], row["f"], row["l"], row["T"], row["m"]]
                for row in aggregates
                if -(-start // 1000) <= row["T"] <= last and (with_tombstones or row["f"] >= 0)
            ],
        )


def _json_rows(rows: list[Any]) -> bytes:
    return json_array([json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode() + b"," for row in rows])


def _text_table(kind: str, rows: list[list[Any]]) -> pa.Table:
    """Return rows of recorded texts as a table with the types of their kind, exactly."""
    schema = schema_of(kind)
    columns = []
    for index, wanted in enumerate(schema):
        values = [row[index] for row in rows]
        if wanted.type == DECIMAL:
            columns.append(pa.array(values, pa.string()).cast(DECIMAL))
        elif wanted.type == TIMESTAMP:
            columns.append(pa.array([value * 1000 for value in values], pa.int64()).cast(TIMESTAMP))
        else:
            columns.append(pa.array(values, wanted.type))
    return pa.table(columns, schema=schema)
