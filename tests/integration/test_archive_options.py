"""What the options choose: the archive alone, symbols by pattern and from the past, plans, zips that are kept."""

import hashlib
import re
import zipfile
from datetime import datetime, timezone
from decimal import Decimal

import pytest
from served_archive import assert_traced, days, files, key_of, rest_requests, sha256, zips_asked_for

from exchange_simulator import running_simulator

DAY_MS = 86_400_000
FIRST_MS = 1_733_011_200_000  # 2024-12-01
PERIOD = ("--start", "2025-02-03", "--end", "2025-02-10")
SUBJECT = ("--datasets", "klines,agg_trades", "--symbols", "ETHBTC,SOLUSDT", "--intervals", "1h")
# Delisted: exchangeInfo has forgotten them. The last one is no coin of the quote asset BTC.
FORGOTTEN = ("ANCIENTUSDT", "ANCIENTBTC")


def forgotten_rows(symbol):
    """Made-up days of a symbol: open time, prices and volumes of three candles."""
    scale = 1 if symbol.endswith("USDT") else Decimal("0.00001")
    for day in range(3):
        opened = FIRST_MS + day * DAY_MS
        low = 1 + day
        prices = [str((low + part) * scale) for part in (1, 3, 0, 2)]
        yield [opened, *prices, "12.5", opened + DAY_MS - 1, "31.25", 7, "5.5", "13.75", 0]


@pytest.fixture(scope="module")
def past_exchange(tmp_path_factory):
    """An exchange whose archive has months of two symbols that it does not list any more, and nothing else."""
    folder = tmp_path_factory.mktemp("archive")
    for symbol in FORGOTTEN:
        path = folder / key_of("klines", symbol, "2024-12", "1d")
        path.parent.mkdir(parents=True)
        text = "".join(",".join(map(str, row)) + "\n" for row in forgotten_rows(symbol))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{path.stem}.csv", text)
    with running_simulator(
        market="tests", clock="2025-02-11T12:00:30", clock_mode="frozen", no_limits=True, archive_folder=folder
    ) as made:
        yield made


def assert_forgotten_are_loaded(project, symbols):
    loaded = project.query(
        "select symbol, open_time, open, high, low, close, volume, close_time, quote_volume, trade_count, "
        "taker_buy_volume, taker_buy_quote_volume from staging.klines where symbol like 'ANCIENT%'"
    )
    expected = {
        (symbol, moment(opened), *map(Decimal, prices), moment(closed), Decimal(quoted), count, *map(Decimal, bought))
        for symbol in symbols
        for opened, *prices, closed, quoted, count, _, _, _ in forgotten_rows(symbol)
        for bought in [("5.5", "13.75")]
    }
    assert len(loaded) == len(expected)
    assert set(loaded) == expected


def moment(milliseconds):
    return datetime.fromtimestamp(milliseconds // 1000, timezone.utc).replace(microsecond=milliseconds % 1000 * 1000)


@pytest.mark.parametrize("source", ["auto", "archive"])
def test_a_symbol_that_only_the_archive_knows_is_loaded(project, past_exchange, source):
    project.use_archive(past_exchange).load(
        "--datasets", "klines", "--symbols", "ANCIENTUSDT", "--intervals", "1d", "--start", "2024-12-01",
        "--source", source,
    )  # fmt: skip
    assert_forgotten_are_loaded(project, ["ANCIENTUSDT"])


def test_rest_does_not_know_it(project, past_exchange):
    done = project.use_archive(past_exchange).run(
        "--datasets", "klines", "--symbols", "ANCIENTUSDT", "--intervals", "1d", "--source", "rest"
    )
    assert done.returncode == 2
    assert "unknown symbol 'ANCIENTUSDT'" in done.stderr


@pytest.mark.parametrize(
    ("symbols", "quotes", "expected"),
    [
        ("*USDT", (), {"ANCIENTUSDT", "BTCUSDT", "TINYUSDT", "币安人生USDT"}),
        ("all", ("--quote", "BTC"), {"ANCIENTBTC", "ETHBTC"}),
        ("ALL", (), {"ANCIENTBTC", "ETHBTC", "ANCIENTUSDT", "BTCUSDT"}),
        ("ETH*,GONE?SD[TC]", (), {"ETHUSDT", "ETHBTC", "GONEUSDT"}),
    ],
)
def test_patterns_find_symbols_of_today_and_of_the_past(project, past_exchange, symbols, quotes, expected):
    project.use_archive(past_exchange).load(
        "--datasets", "klines", "--symbols", symbols, *quotes, "--intervals", "1d", "--start", "2024-12-01"
    )
    found = {symbol for (symbol,) in project.query("select distinct symbol from staging.klines")}
    assert expected <= found
    assert {name for name in found if name.endswith("BTC")} == {name for name in expected if name.endswith("BTC")}
    assert_forgotten_are_loaded(project, [name for name in FORGOTTEN if name in expected])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--symbols", "*EURX"), "no symbol matches '*EURX'"),
        (("--symbols", "ANCIENTUSD"), "unknown symbol 'ANCIENTUSD'; did you mean ANCIENTUSDT"),
        (("--symbols", "all", "--quote", "USDX"), "unknown quote asset 'USDX'; did you mean USDT"),
        (("--symbols", "BTCUSDT", "--quote", "BTC"), "none of the symbols has the quote asset BTC"),
    ],
)
def test_what_fits_nothing_is_a_wrong_request(project, past_exchange, options, said):
    past_exchange.reset_stats()
    done = project.use_archive(past_exchange).run("--datasets", "klines", *options)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert said in done.stderr
    assert zips_asked_for(past_exchange) == {}
    assert not project.database.exists()


def test_the_archive_alone_is_asked_where_nothing_else_is_wanted(project, exchange, truth):
    project.use_archive(exchange).load(*SUBJECT, *PERIOD, "--source", "archive")
    assert rest_requests(exchange) == {}
    project.assert_equals("klines", truth("klines", ["ETHBTC", "SOLUSDT"], "2025-02-03", "2025-02-10", ["1h"]))
    project.assert_equals("agg_trades", truth("agg_trades", ["ETHBTC", "SOLUSDT"], "2025-02-03", "2025-02-10"))
    assert project.query("select count(*) from staging.klines where source = 'rest'") == [(0,)]


def test_rest_alone_does_not_ask_the_archive(project, exchange, truth):
    project.use_archive(exchange).load(*SUBJECT, *PERIOD, "--source", "rest")
    project.assert_equals("klines", truth("klines", ["ETHBTC", "SOLUSDT"], "2025-02-03", "2025-02-10", ["1h"]))
    assert set(exchange.stats()["requests_by_path"]) == set(rest_requests(exchange))


def test_the_archive_of_another_exchange_is_not_used(project, exchange):
    done = project.use(exchange).load("--datasets", "klines", "--symbols", "ETHBTC", *PERIOD)
    assert done.stderr == ""
    assert zips_asked_for(exchange) == {}
    wrong = project.run("--datasets", "klines,symbols", "--symbols", "ETHBTC", *PERIOD, "--source", "archive")
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 1)
    assert f"market_data_url ({exchange.url}) are of different exchanges" in wrong.stderr


def test_a_plan_says_which_files_a_run_then_takes_and_loads_nothing(project, exchange):
    options = ("--datasets", "klines", "--symbols", "ETHBTC", "--intervals", "1m", "--start", "2025-01-01")
    planned = project.use_archive(exchange, ARCHIVE_SAMPLES="0").load(*options, "--plan").stdout
    assert not project.database.exists()
    assert zips_asked_for(exchange) == {}
    exchange.reset_stats()
    project.load(*options)
    taken = files(project)
    expected = {key_of("klines", "ETHBTC", "2025-01", "1m")}
    expected |= {key_of("klines", "ETHBTC", day, "1m") for day in days("2025-02-01", "2025-02-10")}
    assert set(taken) == set(zips_asked_for(exchange)) == expected
    size = sum(line["size_bytes"] for line in taken.values())
    series = re.search(r"^klines +spot ETHBTC 1m +(\d+) +([\d.]+) +(\d+) +(\d+)$", planned, re.MULTILINE)
    requests = rest_requests(exchange)["/api/v3/klines"]
    assert (int(series[1]), float(series[2])) == (11, round(size / 1e6, 1))
    assert int(series[3]) <= requests <= int(series[3]) + 1
    assert int(series[4]) == 2 * int(series[3])
    assert re.search(rf"^in all 11 files with {size:,} bytes, .*about [\d.]+ minutes", planned, re.MULTILINE)


def test_zips_that_are_kept_are_whole_and_serve_the_next_database(project, exchange, truth, tmp_path):
    kept = tmp_path / "zips"
    options = (*SUBJECT, *PERIOD, "--keep-archives", str(kept))
    project.use_archive(exchange).load(*options)
    found = {str(path.relative_to(kept)): path for path in kept.rglob("*") if path.is_file()}
    assert set(found) == set(files(project))
    for key, path in found.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == files(project)[key]["sha256"] == sha256(exchange, key)
    damaged, cut, *_ = sorted(found)
    found[damaged].write_bytes(b"x" + found[damaged].read_bytes()[1:])
    found[cut].write_bytes(found[cut].read_bytes()[:-10])
    exchange.reset_stats()
    second = type(project)(tmp_path / "second").use_archive(exchange)
    second.load(*options)
    assert set(zips_asked_for(exchange)) == {damaged, cut}
    second.assert_equals("klines", truth("klines", ["ETHBTC", "SOLUSDT"], "2025-02-03", "2025-02-10", ["1h"]))
    assert_traced(second, exchange)
    assert {str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file()} == set(found)


def test_what_cannot_be_proven_is_not_kept(project, exchange, tmp_path):
    kept = tmp_path / "zips"
    for day, kind in (("2025-02-03", "wrong_checksum"), ("2025-02-04", "cut_zip"), ("2025-02-05", "absurd_name")):
        exchange.add_archive_fault(kind, path=f"data/spot/daily/*/*-{day}.zip")
    options = ("--datasets", "klines", "--symbols", "ETHBTC", "--intervals", "1h", *PERIOD)
    project.use_archive(exchange).load(*options, "--keep-archives", str(kept))
    names = {path.name for path in kept.rglob("*") if path.is_file()}
    assert {f"ETHBTC-1h-{day}.zip" for day in days("2025-02-06", "2025-02-09")} <= names
    # What an absurd name is in has the promised bytes all the same.
    assert names - {"ETHBTC-1h-2025-02-05.zip"} == {f"ETHBTC-1h-{day}.zip" for day in days("2025-02-06", "2025-02-09")}
    assert not list(tmp_path.rglob("evil*"))


def test_without_being_asked_nothing_is_kept(project, exchange):
    project.use_archive(exchange).load(*SUBJECT, *PERIOD)
    assert not list(project.folder.parent.rglob("*.zip"))
