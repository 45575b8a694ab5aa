"""Any sequence of periods, sources, odd files and kills ends with the truth, each row once and with its file."""

import random
import time
from datetime import datetime, timedelta

import pytest
from served_archive import assert_rows_lead_to_files, assert_trades_equal, zips_asked_for

NOW = datetime(2025, 1, 19, 12, 0, 30)  # noqa: DTZ001 - UTC
FIRST = datetime(2024, 12, 24)  # noqa: DTZ001 - UTC
HOURS = 26 * 24
SYMBOLS = ("TOMBUSDT", "OUTAGEUSDT")
OPTIONS = ("--datasets", "klines,agg_trades,trades", "--symbols", ",".join(SYMBOLS), "--intervals", "1m,3d")
FAULTS = (
    {"kind": "wrong_checksum"}, {"kind": "missing"}, {"kind": "unsorted"}, {"kind": "duplicate_rows"},
    {"kind": "bad_number", "row": 500}, {"kind": "short_zip"}, {"kind": "gone"},
)  # fmt: skip


def moment(chance):
    """A random time, often at the beginning of a day."""
    hours = chance.randrange(HOURS)
    at = FIRST + timedelta(hours=hours - hours % 24 if chance.random() < 0.5 else hours)
    return at if chance.random() < 0.7 else at + timedelta(seconds=chance.randrange(3600), milliseconds=7)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [2])
def test_a_random_sequence_of_loads_ends_with_the_truth(project, exchange, truth, seed):
    chance = random.Random(seed)
    exchange.clock_set(NOW)
    project.use_archive(exchange)
    for _ in range(4):
        exchange.clear_archive_faults()
        for _ in range(3):
            day = FIRST + timedelta(days=chance.randrange(HOURS // 24))
            pattern = f"*-{day:%Y-%m-%d}.zip" if chance.random() < 0.7 else f"*-{day:%Y-%m}.zip"
            exchange.add_archive_fault(path=pattern, **chance.choice(FAULTS))
        start, end = sorted((moment(chance), moment(chance)))
        source = chance.choice(("auto", "auto", "archive", "rest"))
        period = ("--start", start.isoformat(), "--end", (end + timedelta(hours=1)).isoformat())
        options = (*OPTIONS, *period, "--source", source)
        packages = {"package_rows": chance.choice((20_000, 500_000))}
        if chance.random() < 0.4:
            killed = project.start(*options, **packages)
            time.sleep(1 + chance.random())
            killed.kill()
            killed.communicate()
        else:
            done = project.run(*options, **packages)
            assert done.returncode in ((0, 1) if source == "archive" else (0,)), done.stdout + done.stderr
    exchange.clear_archive_faults()
    project.load(*OPTIONS, "--start", FIRST.isoformat())
    project.assert_equals("klines", truth("klines", SYMBOLS, FIRST.isoformat(), NOW.isoformat(), ["1m", "3d"]))
    for table in ("agg_trades", "trades"):
        assert_trades_equal(project, table, truth(table, SYMBOLS, FIRST.isoformat(), NOW.isoformat()))
    assert_rows_lead_to_files(project)
    exchange.reset_stats()
    project.load(*OPTIONS, "--start", FIRST.isoformat())
    assert zips_asked_for(exchange) == {}
