"""Makes the files that benchmarks.archive loads: zips as data.binance.vision has them, of made-up numbers, seeded.

Klines are in monthly files and aggregate trades in daily ones, headerless CSV with eight decimals; times are in
milliseconds before 2025-01-01 and in microseconds from then on, as in the archive.
"""

import hashlib
import io
import multiprocessing
import shutil
import zipfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

Integers = npt.NDArray[np.int64]

VERSION: Final = 1
"""To be raised when other files are made, so that those of a cache folder are made anew."""

SEED: Final = 3
UNIT: Final = 10**8
"""Prices and quantities are counted in units of 0.00000001."""

MICROSECONDS_SINCE: Final = date(2025, 1, 1)
_FIRST_MICROSECONDS: Final = 1_735_689_600_000_000
_MINUTE_US: Final = 60_000_000
_DAY_US: Final = 86_400_000_000

# Price and the smallest steps of price and quantity of each symbol, in units.
_SYMBOLS: Final = (
    (95_000 * UNIT, UNIT // 100, UNIT // 100_000),
    (3_200 * UNIT, UNIT // 100, UNIT // 10_000),
    (190 * UNIT, UNIT // 100, UNIT // 1000),
    (23 * UNIT // 10, UNIT // 10_000, UNIT // 10),
    (35 * UNIT // 100, UNIT // 100_000, UNIT),
)
_KLINE_MONTHS: Final = 12
_KLINE_END: Final = date(2025, 6, 1)
_SHORTEST_MONTHS: Final = 6
"""The fewest months that end in May 2025 and yet begin before 2025."""
_AGG_TRADES: Final = 10_000_000
_AGG_TRADE_DAYS: Final = tuple(date(2024, 12, 27) + timedelta(days=number) for number in range(9))


@dataclass(frozen=True)
class Job:
    """What every contestant loads.

    Attributes:
        name: `klines` or `agg_trades`, as the pipeline calls the dataset.
        archive_type: What the archive calls it in its paths.
        symbols: All have the same days.
        first: First day.
        end: The day after the last one.
        rows: In all files.
    """

    name: str
    archive_type: str
    symbols: tuple[str, ...]
    first: date
    end: date
    rows: int

    @property
    def last(self) -> date:
        """The last day."""
        return self.end - timedelta(days=1)

    @property
    def folders(self) -> tuple[str, ...]:
        """The archive's folder of each symbol, with a slash at its end."""
        if self.name == "klines":
            return tuple(f"data/spot/monthly/klines/{symbol}/1m/" for symbol in self.symbols)
        return tuple(f"data/spot/daily/aggTrades/{symbol}/" for symbol in self.symbols)


def klines_job(scale: float = 1.0, times: int = 1) -> Job:
    """2.6M 1m klines of five symbols in twelve monthly files each, or a share of it, some times as long.

    A small share still has half a year and two symbols, so that it is as much of a test.
    """
    months = max(_SHORTEST_MONTHS, round(_KLINE_MONTHS * scale)) * times
    symbols = len(_SYMBOLS) if scale * _KLINE_MONTHS >= _SHORTEST_MONTHS else 2
    first = _month(_KLINE_END, -months)
    rows = (_KLINE_END - first).days * 1440 * symbols
    return Job("klines", "klines", _names(symbols), first, _KLINE_END, rows)


def agg_trades_job(scale: float = 1.0) -> Job:
    """Ten million aggregate trades of one symbol in nine daily files, or a share of it."""
    end = _AGG_TRADE_DAYS[-1] + timedelta(days=1)
    return Job("agg_trades", "aggTrades", _names(1), _AGG_TRADE_DAYS[0], end, round(_AGG_TRADES * scale))


def make_files(job: Job, folder: Path) -> Path:
    """Make a job's files below a folder, unless they are there.

    Returns:
        The folder whose paths are the archive's keys.
    """
    root = folder / f"{job.name}-{job.rows}"
    marker = root / "complete"
    if marker.is_file() and marker.read_text() == str(VERSION):
        return root
    shutil.rmtree(root, ignore_errors=True)
    tasks = _kline_tasks(job) if job.name == "klines" else _agg_trade_tasks(job)
    make = _make_klines if job.name == "klines" else _make_agg_trades
    # In processes of their own: a child's peak memory is counted from that of the process which starts it.
    with multiprocessing.get_context("spawn").Pool() as pool:
        pool.starmap(make, [(root, *task) for task in tasks], chunksize=1)
    marker.write_text(str(VERSION))
    return root


def _names(count: int) -> tuple[str, ...]:
    return tuple(f"SYM{number:03d}USDT" for number in range(count))


def _month(day: date, shift: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + shift, 12)
    return date(year, month + 1, 1)


def _kline_tasks(job: Job) -> list[tuple[Any, ...]]:
    tasks: list[tuple[Any, ...]] = []
    for number, (symbol, folder) in enumerate(zip(job.symbols, job.folders, strict=True)):
        month = job.first
        while month < job.end:
            following = _month(month, 1)
            tasks.append((f"{folder}{symbol}-1m-{month:%Y-%m}.zip", number, month, (following - month).days))
            month = following
    return tasks


def _agg_trade_tasks(job: Job) -> list[tuple[Any, ...]]:
    """Divide the rows among the days, between 7 % less and 7 % more than evenly; the last one has the rest."""
    shares = np.random.default_rng(SEED).uniform(0.93, 1.07, len(_AGG_TRADE_DAYS))
    counts = [int(share) for share in shares / shares.sum() * job.rows]
    counts[-1] += job.rows - sum(counts)
    tasks: list[tuple[Any, ...]] = []
    first_id, first_trade_id = 3_300_000_000, 4_600_000_000
    for day, count in zip(_AGG_TRADE_DAYS, counts, strict=True):
        key = f"{job.folders[0]}{job.symbols[0]}-aggTrades-{day}.zip"
        tasks.append((key, day, count, first_id, first_trade_id))
        first_id += count
        first_trade_id += int(_trades_of_each(count).sum())
    return tasks


def _trades_of_each(count: int) -> Integers:
    """How many trades are in each of so many aggregate trades, before they are shuffled."""
    return np.resize(np.array([1, 1, 1, 2, 3], dtype=np.int64), count)


def _make_klines(root: Path, key: str, number: int, month: date, days: int) -> None:
    price, tick, step = _SYMBOLS[number]
    rows = days * 1440
    rng = np.random.default_rng([SEED, number, month.year, month.month])
    walk = np.cumsum(rng.normal(0, 0.0004, rows + 1))
    closes = _rounded(price * np.exp(walk), tick)
    opens, closes = closes[:-1], closes[1:]
    highs = np.maximum(opens, closes) + _rounded(price * rng.exponential(0.0002, rows), tick)
    lows = np.minimum(opens, closes) - _rounded(np.minimum(opens, closes) * rng.uniform(0, 0.0004, rows), tick)
    volumes = _rounded(rng.lognormal(2.5, 1, rows) * (95_000 * UNIT // price) * UNIT, step) + step
    taker = np.maximum(_rounded(volumes * rng.uniform(0.2, 0.8, rows), step), step)
    quote = np.asarray(volumes / UNIT * closes, dtype=np.int64) + 1
    taker_quote = np.maximum(np.asarray(quote * (taker / volumes), dtype=np.int64), UNIT)
    times = _microseconds(month) + np.arange(rows, dtype=np.int64) * _MINUTE_US
    columns = [
        _times(times),
        *map(_decimals, (opens, highs, lows, closes, volumes)),
        _times(times + _MINUTE_US - 1),
        _decimals(quote),
        pa.array(rng.integers(50, 9000, rows)),
        _decimals(taker),
        _decimals(taker_quote),
        pa.array(np.zeros(rows, dtype=np.int64)),
    ]
    _write(root / key, columns)


def _make_agg_trades(root: Path, key: str, day: date, rows: int, first_id: int, first_trade_id: int) -> None:
    price, tick, step = _SYMBOLS[0]
    rng = np.random.default_rng([SEED, day.toordinal()])
    # Most trades are at the price of the one before.
    moves = rng.normal(0, 0.00003, rows) * (rng.random(rows) < 0.3)
    prices = _rounded(price * np.exp(np.cumsum(moves)), tick)
    quantities = _rounded(rng.lognormal(-5.5, 1.8, rows) * UNIT, step) + step
    trades = rng.permutation(_trades_of_each(rows))
    last = first_trade_id + np.cumsum(trades) - 1
    texts = pa.array(["False", "True"])
    columns = [
        pa.array(np.arange(first_id, first_id + rows)),
        _decimals(prices),
        _decimals(quantities),
        pa.array(last - trades + 1),
        pa.array(last),
        _times(_microseconds(day) + np.sort(rng.integers(0, _DAY_US, rows))),
        texts.take(pa.array(rng.integers(0, 2, rows))),
        texts.take(pa.array(np.ones(rows, dtype=np.int64))),
    ]
    _write(root / key, columns)


def _microseconds(day: date) -> int:
    return _FIRST_MICROSECONDS + (day - MICROSECONDS_SINCE).days * _DAY_US


def _rounded(values: npt.NDArray[Any], step: int) -> Integers:
    found: Integers = np.rint(values / step).astype(np.int64) * step
    return found


def _times(microseconds: Integers) -> pa.Array:
    """Times as the archive has them: milliseconds, truncated, before 2025."""
    return pa.array(np.where(microseconds < _FIRST_MICROSECONDS, microseconds // 1000, microseconds))


def _decimals(units: Integers) -> pa.Array:
    """Positive numbers of units as exact decimals: 128 bits each, of which the upper 64 are zero."""
    if units.min() <= 0:
        raise ValueError("a number is not positive")
    wide = np.zeros((len(units), 2), dtype="<i8")
    wide[:, 0] = units
    return pa.Array.from_buffers(pa.decimal128(28, 8), len(units), [None, pa.py_buffer(wide)])


def _write(path: Path, columns: list[pa.Array]) -> None:
    """Write a zip with one CSV file, and its CHECKSUM."""
    text = io.BytesIO()
    table = pa.Table.from_arrays(columns, [str(number) for number in range(len(columns))])
    pa_csv.write_csv(table, text, pa_csv.WriteOptions(include_header=False, quoting_style="none"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(f"{path.stem}.csv"), text.getbuffer(), zipfile.ZIP_DEFLATED)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.CHECKSUM").write_text(f"{digest}  {path.name}")
