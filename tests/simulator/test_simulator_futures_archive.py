"""The futures' part of the archive: what its files hold, which of them there are, and how they go wrong."""

import csv
import io
import zipfile
from datetime import datetime, timezone
from decimal import Decimal

import pytest

ROOT = "data/futures/um/"
HEADERS = {
    "klines": "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
    "taker_buy_quote_volume,ignore",
    "aggTrades": "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker",
    "fundingRate": "calc_time,funding_interval_hours,last_funding_rate",
    "metrics": "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio",
}


@pytest.fixture(scope="module")
def archive(nasty, archive_of):
    return archive_of(nasty)


@pytest.fixture(scope="module")
def changeable(start_for_module, archive_of):
    return archive_of(start_for_module(market="tests", clock="2025-01-15T08:29:00", clock_mode="frozen"))


@pytest.fixture(autouse=True)
def _right_again(changeable):
    changeable.simulator.clear_archive_faults()


def ask(nasty, path, **params):
    answer = nasty.session.get(f"{nasty.simulator.url}/{path}", params=params, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def text_time(milliseconds):
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def test_folders_are_those_of_the_kinds_by_day_and_by_month(archive):
    assert archive.folders("data/futures/") == ["um"]
    assert archive.folders(f"{ROOT}daily/") == ["aggTrades", "klines", "markPriceKlines", "metrics"]
    assert archive.folders(f"{ROOT}monthly/") == ["aggTrades", "fundingRate", "klines", "markPriceKlines"]
    daily = archive.folders(f"{ROOT}daily/klines/ETHUSDT/")
    assert ("1m" in daily, "1s" in daily, "3d" in daily) == (True, False, False)
    assert {"3d", "1w", "1mo"} <= set(archive.folders(f"{ROOT}monthly/markPriceKlines/ETHUSDT/"))
    assert "SOONUSDT" not in archive.folders(f"{ROOT}daily/metrics/")


@pytest.mark.parametrize("kind", ["klines", "markPriceKlines"])
@pytest.mark.parametrize("day", ["2024-12-31", "2025-01-01"])
def test_klines_are_rests_in_milliseconds_with_a_header_in_newer_files(archive, nasty, kind, day):
    lines = archive.lines(f"{ROOT}daily/{kind}/BTCUSDT/15m/BTCUSDT-15m-{day}.zip")
    if day >= "2025":
        assert ",".join(lines.pop(0)) == HEADERS["klines"]
    rows = ask(nasty, f"fapi/v1/{kind}", symbol="BTCUSDT", interval="15m", startTime=int(lines[0][0]), limit=len(lines))
    assert len(lines) == 96
    assert lines == [[str(cell) for cell in row] for row in rows]


def test_monthly_klines_are_the_days(archive):
    month = archive.lines(f"{ROOT}monthly/klines/LATEUSDT/4h/LATEUSDT-4h-2025-01.zip")[1:]
    days = [
        line
        for day in range(10, 32)
        for line in archive.lines(f"{ROOT}daily/klines/LATEUSDT/4h/LATEUSDT-4h-2025-01-{day}.zip")[1:]
    ]
    assert month == days
    assert len(month) == 22 * 6 - 2


def test_aggregate_trades_are_the_truth_with_small_letters(archive, nasty, times):
    lines = archive.lines(f"{ROOT}daily/aggTrades/ETHUSDT/ETHUSDT-aggTrades-2025-02-27.zip")
    assert ",".join(lines[0]) == HEADERS["aggTrades"]
    start = times.utc_ms(2025, 2, 27)
    known = nasty.simulator.truth(
        "agg_trades", "ETHUSDT", start_ms=start, end_ms=start + times.DAY - 1, market="um"
    ).to_pylist()
    fields = ("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id")
    assert [
        (int(a), Decimal(p), Decimal(q), int(f), int(last), int(t), maker) for a, p, q, f, last, t, maker in lines[1:]
    ] == [
        (
            *(row[name] for name in fields),
            round(row["trade_time"].timestamp() * 1000),
            str(row["is_buyer_maker"]).lower(),
        )
        for row in known
    ]
    newest = ask(nasty, "fapi/v1/aggTrades", symbol="ETHUSDT", fromId=0, limit=1)[0]
    same = next(line for line in lines if line[0] == str(newest["a"]))
    assert same[1:6] == [newest["p"], newest["q"], str(newest["f"]), str(newest["l"]), str(newest["T"])]


def test_funding_has_the_times_and_rates_of_rest_and_the_hours(archive, nasty, times):
    lines = archive.lines(f"{ROOT}monthly/fundingRate/SOLUSDT/SOLUSDT-fundingRate-2025-01.zip")
    assert ",".join(lines[0]) == HEADERS["fundingRate"]
    start, end = times.utc_ms(2025, 1, 1), times.utc_ms(2025, 2, 1)
    rows = ask(nasty, "fapi/v1/fundingRate", symbol="SOLUSDT", startTime=start, endTime=end - 1, limit=1000)
    change = times.utc_ms(2025, 1, 15)
    assert lines[1:] == [
        [str(row["fundingTime"]), "8" if row["fundingTime"] < change else "4", row["fundingRate"]] for row in rows
    ]
    assert len(rows) == 14 * 3 + 17 * 6
    assert archive.zips(f"{ROOT}monthly/fundingRate/BTCUSDT_250328/") == []
    assert archive.get(f"{ROOT}daily/fundingRate/SOLUSDT/SOLUSDT-fundingRate-2025-01-03.zip").status_code == 404


def test_metrics_are_rests_open_interest_with_sixteen_decimals_and_text_times(archive, nasty, times):
    lines = archive.lines(f"{ROOT}daily/metrics/BTCUSDT/BTCUSDT-metrics-2025-02-20.zip")
    assert ",".join(lines.pop(0)) == HEADERS["metrics"]
    start = times.utc_ms(2025, 2, 20)
    rows = ask(
        nasty,
        "futures/data/openInterestHist",
        symbol="BTCUSDT",
        period="5m",
        startTime=start,
        endTime=start + times.DAY - 1,
        limit=500,
    )
    assert len(rows) == 288
    assert [line[:4] for line in lines] == [
        [
            text_time(row["timestamp"]),
            "BTCUSDT",
            row["sumOpenInterest"] + "00000000",
            row["sumOpenInterestValue"] + "00000000",
        ]
        for row in rows
    ]
    assert {len(line[2].partition(".")[2]) for line in lines} == {16}
    ratios = [cell for line in lines for cell in line[4:]]
    assert ratios.count("") < len(ratios) // 10
    assert "" in ratios


def test_metrics_that_rest_has_no_more_are_the_truth_from_the_listing_on(archive, nasty, times):
    lines = archive.lines(f"{ROOT}daily/metrics/LATEUSDT/LATEUSDT-metrics-2025-01-10.zip")[1:]
    known = nasty.simulator.truth("open_interest", "LATEUSDT", "5m", end_ms=times.utc_ms(2025, 1, 11) - 1).to_pylist()
    assert [(line[0], Decimal(line[2]), Decimal(line[3])) for line in lines] == [
        (f"{row['open_interest_time']:%Y-%m-%d %H:%M:%S}", row["open_interest"], row["open_interest_value"])
        for row in known
    ]
    assert lines[0][0] == "2025-01-10 08:20:00"


def test_nothing_comes_after_a_contract_has_ended(archive):
    assert archive.zips(f"{ROOT}daily/klines/GONEUSDT/1h/")[-1] == "GONEUSDT-1h-2025-01-20.zip"
    assert archive.zips(f"{ROOT}daily/metrics/BTCUSDT_241227/")[-1] == "BTCUSDT_241227-metrics-2024-12-27.zip"
    assert archive.zips(f"{ROOT}monthly/fundingRate/GONEUSDT/")[-1] == "GONEUSDT-fundingRate-2025-01.zip"


def test_days_of_futures_are_published_later_than_those_of_spot(changeable):
    key, spot = (f"{root}daily/klines/ETHUSDT/1h/ETHUSDT-1h-2025-01-14.zip" for root in (ROOT, "data/spot/"))
    assert changeable.get(key).status_code == 404
    assert changeable.get(spot).status_code == 200
    changeable.simulator.archive_delays(futures_daily_delay_hours=8.4)
    assert changeable.get(key).status_code == 200
    changeable.simulator.archive_delays(futures_daily_delay_hours=8.5)


METRICS = f"{ROOT}daily/metrics/ETHUSDT/ETHUSDT-metrics-2025-01-10.zip"
FUNDING = f"{ROOT}monthly/fundingRate/ETHUSDT/ETHUSDT-fundingRate-2024-12.zip"


@pytest.mark.parametrize("key", [METRICS, FUNDING])
def test_faults_change_rows_of_every_kind(changeable, key):
    right = changeable.lines(key)
    skipped = 1 if key == METRICS else 0  # files of December have no header
    column = 2
    changeable.simulator.add_archive_fault("change_rows", path=key, every=1)
    changed = changeable.lines(key)
    assert changed[:skipped] == right[:skipped]
    apart = {
        Decimal(new[column]) - Decimal(old[column]) for new, old in zip(changed[skipped:], right[skipped:], strict=True)
    }
    assert len(apart) == 1
    assert apart != {0}
    changeable.simulator.clear_archive_faults()
    changeable.simulator.add_archive_fault("header", path=key)
    kind = key.split("/")[4]
    assert ",".join(changeable.lines(key)[0]) == HEADERS[kind]
    assert changeable.lines(key)[1:] == right[skipped:]
    changeable.simulator.clear_archive_faults()
    changeable.simulator.add_archive_fault("bad_number", path=key, row=3, column=column, text="")
    assert changeable.lines(key)[skipped + 3][column] == ""


def test_rows_are_dropped_by_their_time_whatever_its_form(changeable, times):
    start = times.utc_ms(2025, 1, 10, 6)
    changeable.simulator.add_archive_fault("drop_rows", path=ROOT, from_ms=start, to_ms=start + times.HOUR)
    hours = [line[0][11:13] for line in changeable.lines(METRICS)[1:]]
    assert hours == [f"{hour:02d}" for hour in range(24) if hour != 6 for _ in range(12)]
    klines = changeable.lines(f"{ROOT}daily/markPriceKlines/ETHUSDT/1h/ETHUSDT-1h-2025-01-10.zip")
    assert len(klines) == 1 + 23


def test_files_of_futures_can_be_cut_hidden_and_wrong(changeable):
    changeable.simulator.add_archive_fault("missing", path=METRICS)
    assert changeable.get(METRICS).status_code == 404
    changeable.simulator.add_archive_fault("not_published", path=f"{ROOT}monthly", since="2024-12-15")
    assert changeable.get(FUNDING).status_code == 404
    changeable.simulator.clear_archive_faults()
    changeable.simulator.add_archive_fault("two_members", path=FUNDING)
    with zipfile.ZipFile(io.BytesIO(changeable.get(FUNDING).content)) as broken:
        assert len(broken.namelist()) == 2
        rows = list(csv.reader(io.StringIO(broken.read(broken.namelist()[0]).decode())))
    assert len(rows) == 31 * 6 - 1
