"""Metrics and funding files of the futures' archive to rows; expectations by hand."""

import io
from datetime import datetime, timezone
from decimal import Decimal

import pyarrow as pa
import pytest

from binance_source.archive.errors import ArchiveFileError
from binance_source.archive.file_kinds import ARCHIVE_DATASETS
from binance_source.archive.host import ArchiveFile
from binance_source.archive.rows import read_rows
from binance_source.archive.series import ArchiveSeries, clipped

METRICS = ARCHIVE_DATASETS["um", "open_interest"]
FUNDING = ARCHIVE_DATASETS["um", "funding_rates"]
HEADER = (
    "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio\n"
)
DAY = 86_400_000
MAY_7 = int(datetime(2024, 5, 7, tzinfo=timezone.utc).timestamp()) * 1000
KEY = "data/futures/um/daily/metrics/BTCUSDT/BTCUSDT-metrics-2024-05-07.zip"
FIVE = 300_000


def metric(minutes, amount="80485.6150000000000000", value="5419496040.1880650000000000"):
    """A line of a metrics file, so many minutes after midnight."""
    moment = datetime.fromtimestamp((MAY_7 + minutes * 60_000) // 1000, timezone.utc)
    return f"{moment:%Y-%m-%d %H:%M:%S},BTCUSDT,{amount},{value},1.1,1.2,,0.9\n"


def blocks(text, dataset, constants):
    return list(read_rows(io.BytesIO(text.encode()), dataset, {"symbol": "BTCUSDT", "source": "x.zip", **constants}))


def metrics(text):
    return blocks(text, METRICS, {"period": "5m"})


def test_open_interest_keeps_its_digits_and_the_time_that_stands_there_as_text():
    [found] = metrics(HEADER + metric(5) + metric(10, "0.0000000000000001", "12345678901234567890.1234567890123456"))
    assert found.table.to_pylist() == [
        {
            "symbol": "BTCUSDT",
            "period": "5m",
            "open_interest_time": datetime(2024, 5, 7, 0, 5, tzinfo=timezone.utc),
            "open_interest": Decimal("80485.615"),
            "open_interest_value": Decimal("5419496040.188065"),
            "source": "x.zip",
        },
        {
            "symbol": "BTCUSDT",
            "period": "5m",
            "open_interest_time": datetime(2024, 5, 7, 0, 10, tzinfo=timezone.utc),
            "open_interest": Decimal("0.0000000000000001"),
            "open_interest_value": Decimal("12345678901234567890.1234567890123456"),
            "source": "x.zip",
        },
    ]


@pytest.mark.parametrize("number", ["1274164509790364009705100.6", "0.1234567890123456789", "1e-77", "n/a"])
def test_a_number_that_does_not_fit_is_refused_and_not_read_as_another(number):
    with pytest.raises(ArchiveFileError, match="content is not what it should be"):
        metrics(HEADER + metric(5, number))


def test_rows_without_values_are_left_out_and_others_put_in_order():
    [found] = metrics(HEADER + metric(15) + metric(10, "", "") + metric(5) + metric(20, value=""))
    assert [(key - MAY_7) // 60_000 for key in found.keys.to_pylist()] == [5, 15]
    assert found.tombstones == 2


def series():
    everything = (MAY_7 - 10 * DAY, MAY_7 + 10 * DAY)
    return ArchiveSeries("um|BTCUSDT|5m", METRICS, "BTCUSDT", "5m", everything, lambda _covered: [everything], True)


def covered(*minutes):
    """What rows at these minutes of a day cover of it, in minutes."""
    file = ArchiveFile(KEY, 100, 10**18, (MAY_7, MAY_7 + DAY))
    [found] = metrics(HEADER + "".join(metric(one) for one in minutes))
    kept = clipped(found, series(), file, 10**18)
    spans = series().spans(file)
    ranges = [*spans.take(kept.table, kept.keys), *spans.end()]
    return [((start - MAY_7) / 60_000, (end - MAY_7) / 60_000) for start, end in ranges if start < end]


LAST = 1 / 60_000
"""A millisecond, in minutes."""


def test_a_day_may_begin_at_midnight_or_end_with_it():
    whole = list(range(0, 1440, 5))
    assert covered(*whole) == [(0, 1435 + LAST), (1435 + LAST, 1440)]
    # Before June 2026 the times stood at the ends of their five minutes: the last one is the next day's midnight.
    assert covered(*whole[1:], 1440) == [(0, 1440 + LAST)]
    # A midnight that is missing altogether is a hole.
    assert covered(*whole[1:]) == [(5, 1435 + LAST), (1435 + LAST, 1440)]
    # So is any other row.
    assert covered(*whole[:100], *whole[101:]) == [(0, 495 + LAST), (505, 1435 + LAST), (1435 + LAST, 1440)]


def test_rows_of_other_days_are_not_this_files():
    assert covered(-5, 0, 5, 1445)[0][0] == 0
    assert covered(-5, 0, 5, 1445)[0][1] == 5 + LAST


def test_funding_times_are_rounded_and_the_interval_is_the_files():
    header = "calc_time,funding_interval_hours,last_funding_rate\n"
    lines = f"{header}{MAY_7 + 18},8,-0.00012345\n{MAY_7 + 8 * 3_600_000 - 2},4,1e-05\n"
    [found] = blocks(lines, FUNDING, {})
    assert found.table.drop(["symbol", "source"]).to_pylist() == [
        {
            "funding_time": datetime(2024, 5, 7, hour, tzinfo=timezone.utc),
            "funding_rate": rate,
            "mark_price": None,
            "funding_interval_hours": hours,
            "rate_type": None,
        }
        for hour, rate, hours in ((0, Decimal("-0.00012345"), 8), (8, Decimal("0.00001"), 4))
    ]
    assert found.keys == pa.array([MAY_7, MAY_7 + 8 * 3_600_000])


def test_old_files_without_a_header_are_read_too():
    [found] = metrics(metric(5) + metric(10))
    assert found.table.num_rows == 2
