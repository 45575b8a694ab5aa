"""Which files are taken for what is missing: listings and choices written down by hand."""

import random
from datetime import datetime, timezone

import pytest

from binance_source.archive.file_kinds import ARCHIVE_DATASETS, period_of
from binance_source.archive.host import ArchiveFile
from binance_source.archive.plan import FileList, choose, list_series, unpublished_between
from exchange_engine.coverage import add, missing

DAY = 86_400_000


def ms(*date):
    return int(datetime(*date, tzinfo=timezone.utc).timestamp()) * 1000


def file(period):
    frequency = "daily" if period.count("-") == 2 else "monthly"
    key = f"data/spot/{frequency}/klines/BTCUSDT/1m/BTCUSDT-1m-{period}.zip"
    return ArchiveFile(key, 100, 0, period_of(key.removesuffix(".zip")))


def days(month, *numbers):
    return [f"{month}-{number:02}" for number in numbers]


def listing(monthly=(), daily=()):
    return FileList([file(period) for period in monthly], [file(period) for period in daily])


def paths(periods):
    return {file(period).key for period in periods}


def chosen(published, *wanted, loaded=(), bad=(), whole=False, parts_before_ms=0):
    """Periods of the chosen files, as their names have them."""
    taken = choose(published, wanted, paths(loaded), paths(bad), whole, parts_before_ms=parts_before_ms)
    return [one.member.removesuffix(".csv").removeprefix("BTCUSDT-1m-") for one in taken]


APRIL_TO_JUNE = (ms(2024, 4, 1), ms(2024, 7, 1))
ALL_DAYS = [*days("2024-04", *range(1, 31)), *days("2024-05", *range(1, 32)), *days("2024-06", *range(1, 31))]


@pytest.mark.parametrize("whole", [False, True])
def test_whole_months_by_month_and_the_current_month_by_day(whole):
    published = listing(["2024-04", "2024-05"], [*ALL_DAYS[:61], *days("2024-06", 1, 2, 3)])
    assert chosen(published, APRIL_TO_JUNE, whole=whole) == ["2024-04", "2024-05", *days("2024-06", 1, 2, 3)]


@pytest.mark.parametrize("whole", [False, True])
def test_a_part_of_a_month_by_day(whole):
    published = listing(["2024-05"], ALL_DAYS)
    assert chosen(published, (ms(2024, 5, 30), ms(2024, 6, 3)), whole=whole) == [
        *days("2024-05", 30, 31),
        *days("2024-06", 1, 2),
    ]


def test_days_at_both_ends_and_a_month_between():
    published = listing(["2024-04", "2024-05", "2024-06"], ALL_DAYS)
    assert chosen(published, (ms(2024, 4, 29), ms(2024, 6, 3))) == [
        *days("2024-04", 29, 30),
        "2024-05",
        *days("2024-06", 1, 2),
    ]


def test_parts_of_days_are_left_to_rest_or_taken_where_there_is_none():
    published = listing([], days("2024-06", 1, 2, 3))
    wanted = (ms(2024, 6, 1, 12), ms(2024, 6, 3, 1))
    assert chosen(published, wanted, whole=True) == ["2024-06-02"]
    assert chosen(published, wanted, whole=False) == days("2024-06", 1, 2, 3)


def test_a_part_of_a_day_in_a_month_without_days_is_taken_from_the_month_only_without_rest():
    published = listing(["2024-05"], [])
    wanted = (ms(2024, 5, 7, 12), ms(2024, 5, 7, 13))
    assert chosen(published, wanted, whole=True) == []
    assert chosen(published, wanted, whole=False) == ["2024-05"]


@pytest.mark.parametrize("whole", [False, True])
def test_a_day_that_has_no_file_of_its_own_comes_from_the_month(whole):
    published = listing(["2024-05"], days("2024-05", 1, 2, 4))
    # All of the month is not missing, since the 31st is there; the 3rd and the rest have no daily file.
    assert chosen(published, (ms(2024, 5, 1), ms(2024, 5, 31)), whole=whole) == [
        "2024-05",
        *days("2024-05", 1, 2, 4),
    ]


@pytest.mark.parametrize("whole", [False, True])
def test_a_month_is_not_taken_for_days_that_have_their_own(whole):
    published = listing(["2024-05"], days("2024-05", 1, 2, 3, 4))
    assert chosen(published, (ms(2024, 5, 1), ms(2024, 5, 4)), whole=whole) == days("2024-05", 1, 2, 3)


@pytest.mark.parametrize("whole", [False, True])
def test_two_missing_parts_of_one_month(whole):
    published = listing(["2024-05"], ALL_DAYS)
    wanted = [(ms(2024, 5, 1), ms(2024, 5, 3)), (ms(2024, 5, 20), ms(2024, 5, 21))]
    assert chosen(published, *wanted, whole=whole) == days("2024-05", 1, 2, 20)


@pytest.mark.parametrize("whole", [False, True])
def test_files_that_are_loaded_or_bad_are_not_taken_again(whole):
    published = listing(["2024-04", "2024-05"], ALL_DAYS)
    # April's file is loaded and lacked the 7th: its own file has it; May's is bad, its days are taken instead.
    april_7, may = (ms(2024, 4, 7), ms(2024, 4, 8)), (ms(2024, 5, 1), ms(2024, 6, 1))
    assert chosen(published, april_7, may, loaded=["2024-04"], bad=["2024-05"], whole=whole) == [
        "2024-04-07",
        *days("2024-05", *range(1, 32)),
    ]
    # What the day's file too does not have is nowhere; a bad day is the month's.
    assert chosen(published, april_7, loaded=["2024-04", "2024-04-07"], whole=whole) == []
    assert chosen(published, april_7, bad=["2024-04-07"], whole=whole) == ["2024-04"]
    assert chosen(published, april_7, bad=["2024-04", "2024-04-07"], whole=whole) == []


@pytest.mark.parametrize("whole", [False, True])
def test_some_minutes_that_a_loaded_file_lacks_are_worth_no_other_file(whole):
    published = listing(["2024-04"], ALL_DAYS)
    some = (ms(2024, 4, 7, 13), ms(2024, 4, 7, 14))
    assert chosen(published, some, loaded=["2024-04"], whole=whole) == []
    assert chosen(published, some, loaded=["2024-04-07"], whole=whole) == []


@pytest.mark.parametrize("whole", [False, True])
def test_nothing_is_taken_for_nothing_and_from_nothing(whole):
    assert chosen(listing(["2024-04"], ALL_DAYS), whole=whole) == []
    assert chosen(listing(), APRIL_TO_JUNE, whole=whole) == []
    assert chosen(listing(["2024-04"], ALL_DAYS), (ms(2023, 1, 1), ms(2023, 2, 1)), whole=whole) == []


@pytest.mark.parametrize("whole", [False, True])
def test_before_the_listing_of_a_symbol_there_is_nothing_to_take(whole):
    published = listing(["2024-05"], days("2024-05", *range(15, 32)))
    assert chosen(published, (ms(2024, 1, 1), ms(2024, 6, 1)), whole=whole) == ["2024-05"]


def test_random_plans_cover_what_can_be_covered_and_take_no_file_in_vain():
    generator = random.Random(17)
    for _ in range(200):
        monthly = [month for month in ("2024-04", "2024-05", "2024-06") if generator.random() < 0.6]
        daily = [day for day in ALL_DAYS if generator.random() < 0.8]
        loaded = [name for name in (*monthly, *daily) if generator.random() < 0.1]
        bad = [name for name in (*monthly, *daily) if name not in loaded and generator.random() < 0.1]
        edges = sorted(generator.sample(range(91 * 24), 4))
        first = ms(2024, 4, 1)
        wanted = [(first + edges[at] * DAY // 24, first + edges[at + 1] * DAY // 24) for at in (0, 2)]
        seen = [file(name).period for name in loaded]
        unseen = [part for one in wanted for part in missing(one, add([], seen))]
        usable = [file(name).period for name in (*monthly, *daily) if name not in (*loaded, *bad)]
        for whole in (False, True):
            files = choose(listing(monthly, daily), wanted, paths(loaded), paths(bad), whole)
            taken = {one.period for one in files}
            assert len(taken) == len(files)
            assert not {one.key for one in files} & paths([*loaded, *bad])
            assert [one.period[0] for one in files] == sorted(one.period[0] for one in files)
            for number in range(91):
                day = (first + number * DAY, first + (number + 1) * DAY)
                is_whole = any(start <= day[0] and day[1] <= end for start, end in wanted)
                is_part = not whole and any(start < day[1] and day[0] < end for start, end in unseen)
                if any(holds(period, day) for period in usable) and (is_whole or is_part):
                    assert any(holds(period, day) for period in taken)
                if day in taken:
                    assert is_whole or is_part


def holds(period, day):
    return period[0] <= day[0] and day[1] <= period[1]


@pytest.mark.parametrize(
    ("monthly", "daily", "wanted", "expected"),
    [
        # Nothing is published: nothing can be said to be missing.
        ([], [], [APRIL_TO_JUNE], []),
        # A day missing between others; before the first and after the last nothing is expected.
        ([], days("2024-05", 3, 4, 6, 7), [APRIL_TO_JUNE], [(ms(2024, 5, 5), ms(2024, 5, 6))]),
        # The month has the missing day.
        (["2024-05"], days("2024-05", 3, 5), [APRIL_TO_JUNE], []),
        # A month missing between two.
        (["2024-04", "2024-06"], [], [APRIL_TO_JUNE], [(ms(2024, 5, 1), ms(2024, 6, 1))]),
        # ... of which days are there.
        (
            ["2024-04", "2024-06"],
            days("2024-05", 1, 31),
            [APRIL_TO_JUNE],
            [(ms(2024, 5, 2), ms(2024, 5, 31))],
        ),
        # Only what is wanted counts, up to the hour.
        (
            [],
            days("2024-05", 1, 4),
            [(ms(2024, 5, 1), ms(2024, 5, 2, 6)), (ms(2024, 5, 3, 12), ms(2024, 5, 9))],
            [(ms(2024, 5, 2), ms(2024, 5, 2, 6)), (ms(2024, 5, 3, 12), ms(2024, 5, 4))],
        ),
        # Wanted beyond the newest file: not published yet.
        ([], days("2024-05", 1, 2), [(ms(2024, 5, 2), ms(2024, 5, 20))], []),
    ],
)
def test_what_lies_between_files_and_in_none_of_them_is_unpublished(monthly, daily, wanted, expected):
    assert unpublished_between(listing(monthly, daily), wanted) == expected


def test_unpublished_parts_are_never_part_of_a_file():
    generator = random.Random(23)
    for _ in range(100):
        daily = [day for day in ALL_DAYS if generator.random() < 0.5]
        gaps = unpublished_between(listing([], daily), [APRIL_TO_JUNE])
        periods = [file(day).period for day in daily]
        expected = missing((periods[0][0], periods[-1][1]), periods)
        assert gaps == expected


class Host:
    """Notes what is asked for; it has the month of May 2024 and a day of June."""

    def __init__(self):
        self.asked = []

    def files(self, prefix, marker="", last=None):
        self.asked.append((prefix, marker, last))
        return [file("2024-05")] if "monthly" in prefix else [file("2024-06-02")]


MONTHLY, DAILY = "data/spot/monthly/klines/BTCUSDT/1mo/", "data/spot/daily/klines/BTCUSDT/1mo/"


def listed(wanted, only_whole_days=True):
    host = Host()
    published = list_series(host, ARCHIVE_DATASETS["spot", "klines"], "BTCUSDT", "1M", wanted, only_whole_days)
    return host.asked, [one.name for one in published.files]


def test_days_are_listed_from_where_no_months_file_has_them():
    asked, names = listed([(ms(2024, 5, 1), ms(2024, 6, 3, 15))])
    assert asked == [
        (MONTHLY, MONTHLY + "BTCUSDT-1mo-2024-05", MONTHLY + "BTCUSDT-1mo-2024-06.zip"),
        (DAILY, DAILY + "BTCUSDT-1mo-2024-06-01", DAILY + "BTCUSDT-1mo-2024-06-03.zip"),
    ]
    assert names == ["BTCUSDT-1m-2024-05.zip", "BTCUSDT-1m-2024-06-02.zip"]
    # The file of a month or day sorts behind the marker, that of the one before does not.
    assert MONTHLY + "BTCUSDT-1mo-2024-05.zip" > asked[0][1] > MONTHLY + "BTCUSDT-1mo-2024-04.zip"
    assert DAILY + "BTCUSDT-1mo-2024-06-01.zip" > asked[1][1] > DAILY + "BTCUSDT-1mo-2024-05-31.zip"


def test_no_day_is_listed_where_months_have_it_all():
    asked, names = listed([(ms(2024, 5, 1), ms(2024, 6, 1))])
    assert [prefix for prefix, _, _ in asked] == [MONTHLY]
    assert names == ["BTCUSDT-1m-2024-05.zip"]


def test_parts_of_days_are_listed_only_where_they_are_taken_out_of_files():
    part = [(ms(2024, 6, 2, 6), ms(2024, 6, 2, 9))]
    assert len(listed(part, only_whole_days=True)[0]) == 1
    assert listed(part, only_whole_days=False)[0][1][1:] == (
        DAILY + "BTCUSDT-1mo-2024-06-02",
        DAILY + "BTCUSDT-1mo-2024-06-02.zip",
    )


def test_parts_of_days_that_rest_has_no_more_are_taken_out_of_files():
    may = days("2024-05", 7, 8, 9)
    published = listing([], may)
    # Missing: the evening of the 7th, the morning of the 8th, the evening of the 9th.
    wanted = ((ms(2024, 5, 7, 18), ms(2024, 5, 8, 6)), (ms(2024, 5, 9, 18), ms(2024, 5, 10)))
    assert chosen(published, *wanted, whole=True) == []
    assert chosen(published, *wanted, whole=True, parts_before_ms=ms(2024, 5, 8, 3)) == may[:2]
    assert chosen(published, *wanted, whole=True, parts_before_ms=ms(2024, 5, 10)) == may
    # A file that has been looked into has no more of its day.
    assert chosen(published, *wanted, loaded=may[:1], whole=True, parts_before_ms=ms(2024, 5, 9)) == may[1:2]
