"""Each day of the archive goes wrong in another way: what cannot be proven is not believed, and REST has it."""

import re

import pytest

from exchange_simulator.archive import faults
from tests.integration.served_archive import assert_traced, assert_trades_equal, files, rest_requests, zips_asked_for

HOUR_MS = 3_600_000
FIRST_MS = 1_738_368_000_000  # 2025-02-01
END = "2025-02-11"
FAULTS = {
    "SOLUSDT": {
        "01": ("loaded", {"kind": "wrong_checksum", "times": 1}),
        "02": ("its SHA-256 is [0-9a-f]{64} and its CHECKSUM says", {"kind": "wrong_checksum"}),
        "03": ("HTTP 404 for .*CHECKSUM", {"kind": "no_checksum"}),
        "04": ("loaded", {"kind": "cut_zip", "times": 1}),
        "05": ("its SHA-256 is", {"kind": "corrupt_zip"}),
        "06": ("not a whole zip", {"kind": "short_zip"}),
        "07": ("it holds 2 members", {"kind": "two_members"}),
        "08": ("it holds 1 members .*evil.csv", {"kind": "absurd_name"}),
        "09": ("it would inflate to 50,000,000 bytes", {"kind": "bomb", "bytes": 50_000_000}),
        "10": ("not a whole zip", {"kind": "not_a_zip"}),
    },
    "ETHBTC": {
        "01": ("loaded", {"kind": "header"}),
        "02": ("loaded", {"kind": "drop_rows", "from_ms": FIRST_MS + 43 * HOUR_MS, "to_ms": FIRST_MS + 48 * HOUR_MS}),
        "03": ("loaded", {"kind": "duplicate_rows", "every": 3}),
        "04": ("loaded", {"kind": "unsorted"}),
        "05": ("its content is not .*row 8: .*n/a", {"kind": "bad_number", "row": 7}),
        "06": ("HTTP 404 for", {"kind": "gone"}),
        "07": ("no such line", {"kind": "missing"}),
        "08": ("loaded", {"kind": "corrupt_zip", "times": 1}),
        "09": ("loaded", {"kind": "drop_rows", "from_ms": FIRST_MS + 200 * HOUR_MS, "to_ms": FIRST_MS + 203 * HOUR_MS}),
        "10": ("its content is not .*row 1: Rescaling", {"kind": "bad_number", "text": "1.123456789"}),
    },
}  # fmt: skip
# What is no fault that a single file shows, and the tests that are about it.
ELSEWHERE = {
    "not_published": "test_archive_edges",
    "change_rows": "test_archive_edges",
    "republished": "test_archive_revisions",
}
ALL = [(symbol, day) for symbol, of_days in FAULTS.items() for day in of_days]
TABLES = {
    "klines": "klines/{0}/1h/{0}-1h",
    "agg_trades": "aggTrades/{0}/{0}-aggTrades",
    "trades": "trades/{0}/{0}-trades",
}
OPTIONS = (
    "--datasets", ",".join(TABLES), "--symbols", ",".join(FAULTS), "--intervals", "1h",
    "--start", "2025-02-01", "--end", END,
)  # fmt: skip


def key(table, symbol, day):
    return f"data/spot/daily/{TABLES[table].format(symbol)}-2025-02-{day}.zip"


def spoil(exchange):
    for symbol, day in ALL:
        for table in TABLES:
            exchange.add_archive_fault(path=key(table, symbol, day), **FAULTS[symbol][day][1])


def expected_of(truth, table):
    return truth(table, FAULTS, "2025-02-01", END, ["1h"] if table == "klines" else [None])


def test_each_kind_of_fault_has_its_day():
    of_days = {fault["kind"] for days in FAULTS.values() for _, fault in days.values()}
    assert of_days | set(ELSEWHERE) == {*faults.HIDING_KINDS, *faults.ANSWER_KINDS, *faults.CONTENT_KINDS}


@pytest.fixture(scope="module")
def loaded(module_project, module_exchange):
    """All of it loaded once; the project and what the command printed."""
    spoil(module_exchange)
    done = module_project.use_archive(module_exchange, ARCHIVE_SAMPLES="0").run(*OPTIONS)
    module_exchange.clear_archive_faults()
    return module_project, done


def test_the_run_is_complete_and_exact_all_the_same(loaded, truth):
    project, done = loaded
    assert (done.returncode, done.stderr) == (0, "")
    project.assert_equals("klines", expected_of(truth, "klines"))
    for table in ("agg_trades", "trades"):
        assert_trades_equal(project, table, expected_of(truth, table))


@pytest.mark.parametrize("table", TABLES)
def test_each_file_is_loaded_or_quarantined_with_its_reason(loaded, table):
    project, done = loaded
    known = files(project, f"dataset = '{table}'")
    outcomes = {one: known.pop(key(table, *one), None) for one in ALL}
    assert known == {}
    for (symbol, day), line in outcomes.items():
        expected = FAULTS[symbol][day][0]
        said = re.search(rf"^QUARANTINED: {key(table, symbol, day)}: (.*)$", done.stdout, re.MULTILINE)
        if expected == "no such line":
            assert line is None
        elif expected == "loaded":
            assert (line["status"], line["reason"], said) == ("loaded", None, None), (symbol, day)
        else:
            assert line["status"] == "quarantined", (symbol, day)
            assert re.search(expected, line["reason"]), (symbol, day, line["reason"])
            assert said[1] == line["reason"]
            assert line["rows_loaded"] == 0


@pytest.mark.parametrize("table", TABLES)
def test_rows_of_quarantined_missing_and_holed_days_are_rests(loaded, table):
    project, _ = loaded
    time = "open_time" if table == "klines" else "trade_time"
    by_rest = project.query(
        f"select distinct symbol, strftime({time}, '%d') from staging.{table} where source = 'rest'"
    )
    holed = {("ETHBTC", "02"), ("ETHBTC", "09")}
    assert set(by_rest) == holed | {one for one in ALL if FAULTS[one[0]][one[1]][0] != "loaded"}


def test_nothing_is_written_where_an_absurd_name_leads(loaded):
    project, _ = loaded
    assert not [path for folder in project.folder.parents[:2] for path in folder.rglob("evil*")]


def test_the_next_run_takes_nothing_again(loaded, exchange):
    project, _ = loaded
    spoil(exchange)
    project.load(*OPTIONS)
    assert zips_asked_for(exchange) == {}
    assert not {"/api/v3/aggTrades", "/api/v3/historicalTrades"} & set(rest_requests(exchange))


def test_the_archive_alone_names_what_it_lacks_and_a_later_run_has_it(project, exchange, truth):
    spoil(exchange)
    project.use_archive(exchange)
    done = project.run(*OPTIONS, "--source", "archive")
    assert done.returncode == 1
    assert rest_requests(exchange) == {}
    for table in TABLES:
        for symbol, day in ALL:
            expected = FAULTS[symbol][day][0]
            path = key(table, symbol, day)
            is_named = re.search(rf"^NOT COMPLETE: {table} spot {symbol}.*: {path}: ", done.stdout, re.MULTILINE)
            assert bool(is_named) == (expected not in ("loaded", "no such line")), path
        assert re.search(
            rf"^NOT COMPLETE: {table} spot ETHBTC.*no file for 2025-02-07 to 2025-02-07", done.stdout, re.MULTILINE
        )
    exchange.clear_archive_faults()
    exchange.reset_stats()
    project.load(*OPTIONS, "--source", "archive")
    bad = {key(table, *one) for table in TABLES for one in ALL if FAULTS[one[0]][one[1]][0] != "loaded"}
    assert set(zips_asked_for(exchange)) == bad
    assert {line["status"] for line in files(project).values()} == {"loaded"}
    # Of files that lacked rows REST knows the rest.
    project.load(*OPTIONS)
    project.assert_equals("klines", expected_of(truth, "klines"))
    for table in ("agg_trades", "trades"):
        assert_trades_equal(project, table, expected_of(truth, table))


def test_rows_lead_to_their_files_where_those_are_odd(project, exchange):
    spoil(exchange)
    options = ("--datasets", "klines,trades", "--symbols", "ETHBTC", *OPTIONS[4:])
    project.use_archive(exchange, ARCHIVE_SAMPLES="0").load(*options)
    assert_traced(project, exchange)
