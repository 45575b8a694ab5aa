"""Rates and open interest page by page: nothing is covered that was not answered, whatever the answers' sizes."""

import json
import threading
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest

from binance_source.markets import UM_MARKET
from binance_source.rest.client import RestClient
from binance_source.rest.funding_rates import FundingSeries
from binance_source.rest.open_interest import OpenInterestSeries
from exchange_engine.http.errors import SourceError
from exchange_engine.walk import Window
from tests.fuzz.played import Played, configuration

HOUR = 3_600_000
FIRST = 1_700_000_000_000 // HOUR * HOUR
TIMES = [FIRST + number * 8 * HOUR + number % 20 for number in range(2_500)]
"""Settlements every eight hours, up to 19 milliseconds late."""
FAR = TIMES[-1] + 100 * HOUR


class Exchange(Played):
    """Answers fundingRate as the exchange does, but for the answers that a test spoils."""

    def __init__(self):
        super().__init__()
        self.questions = []
        self.spoil = {}

    def send(self, request, *rest, **options):
        query = {key: values[0] for key, values in parse_qs(urlsplit(request.url).query).items()}
        start, end = int(query["startTime"]), int(query["endTime"])
        rows = [time for time in TIMES if start <= time <= end][: int(query["limit"])]
        rows = self.spoil.get(len(self.questions), lambda found: found)(rows)
        self.questions.append((start, end))
        self.body = json.dumps(
            [{"symbol": "BTCUSDT", "fundingTime": time, "fundingRate": "0.0001", "markPrice": ""} for time in rows]
        ).encode()
        self.headers = {"Content-Type": "application/json", "Content-Length": str(len(self.body))}
        return super().send(request, *rest, **options)


@pytest.fixture
def exchange():
    return Exchange()


@pytest.fixture
def fetch(exchange):
    settings = configuration()
    settings.max_attempts = 3
    client = RestClient(settings, threading.Event(), UM_MARKET)
    client._session.mount("https://", exchange)

    def fetched(start, end, now=FAR, covered=()):
        series = FundingSeries(client, "um|BTCUSDT", (start, end), list(covered), now)
        pages = [series.fetch(step) for step in series.open() if isinstance(step, Window)]
        times = [moment for page in pages for moment in page.rows["funding_time"].cast("int64").to_pylist()]
        return [time // 1000 for time in times], [span for page in pages for span in page.covered]

    yield fetched
    client.close()


def rounded(times):
    # All of them are late by less than half a second.
    return [time // 1000 * 1000 for time in times]


def test_a_history_longer_than_a_page_is_walked_to_its_end(fetch, exchange):
    end = TIMES[-1] + 1
    assert fetch(FIRST, end) == (rounded(TIMES), [(FIRST, end)])
    assert len(exchange.questions) == 3


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize(
    "spoil", [lambda rows: rows[: len(rows) // 2], lambda _rows: [], lambda rows: rows[:1]], ids=["half", "none", "one"]
)
def test_an_answer_that_lost_rows_on_its_way_leaves_no_hole(fetch, exchange, number, spoil):
    exchange.spoil = {number: spoil}
    end = TIMES[-1] + 3 * HOUR
    assert fetch(FIRST, end) == (rounded(TIMES), [(FIRST, end)])


@pytest.mark.parametrize(
    "spoil",
    [lambda rows: rows[::-1], lambda rows: [rows[0] - 8 * HOUR, *rows], lambda rows: [*rows, rows[0]]],
    ids=["backwards", "from before", "twice and apart"],
)
def test_an_answer_to_another_question_is_asked_for_again(fetch, exchange, spoil):
    exchange.spoil = {1: spoil}
    end = TIMES[-1] + 1
    assert fetch(FIRST, end) == (rounded(TIMES), [(FIRST, end)])
    exchange.spoil = dict.fromkeys(range(100), spoil)
    with pytest.raises(SourceError):
        fetch(FIRST, end)


def test_copies_are_one_rate(fetch, exchange):
    exchange.spoil = {0: lambda rows: [rows[0], rows[0], *rows], 1: lambda rows: [*rows, rows[-1]]}
    end = TIMES[-1] + 1
    assert fetch(FIRST, end) == (rounded(TIMES), [(FIRST, end)])
    assert len(exchange.questions) == 3


def rate(time, value, **fields):
    return {"symbol": "BTCUSDT", "fundingTime": time, "fundingRate": value, **fields}


def one_page(kind, key, rows):
    """What a series makes of an answer to its whole range, long ago."""
    client, played = RestClient(configuration(), threading.Event(), UM_MARKET), Played()
    client._session.mount("https://", played)
    played.play(json.dumps(rows).encode())
    series = kind(client, key, (FIRST, FIRST + HOUR), [], FAR)
    try:
        return series.fetch(series.open()[0])
    finally:
        client.close()


@pytest.mark.parametrize("apart", [0, 7, 60_000])
def test_two_rates_of_one_settlement_that_agree_are_the_first_one(apart):
    rows = [rate(FIRST + 4, "0.00010000", markPrice="5"), rate(FIRST + 4 + apart, "0.0001", rateType="SPECIAL")]
    page = one_page(FundingSeries, "um|BTCUSDT", rows)
    [row] = page.rows.to_pylist()
    assert (row["funding_time"].timestamp() * 1000, row["funding_rate"]) == (FIRST, Decimal("0.0001"))
    assert (row["mark_price"], row["rate_type"]) == (5, None)
    assert (page.rejected, page.covered) == ([], ((FIRST, FIRST + HOUR),))


@pytest.mark.parametrize("apart", [0, 7, 60_000])
def test_two_rates_of_one_settlement_that_contradict_each_other_are_rejected(apart):
    rows = [rate(FIRST, "0.0001"), rate(FIRST + apart, "0.0002"), rate(FIRST + 70_000, "0.0003")]
    page = one_page(FundingSeries, "um|BTCUSDT", rows)
    assert page.rows["funding_rate"].to_pylist() == [Decimal("0.0003")]
    assert [(one.key, json.loads(one.row)["fundingRate"]) for one in page.rejected] == [
        ("BTCUSDT", "0.0001"),
        ("BTCUSDT", "0.0002"),
    ]
    assert page.covered == ((FIRST, FIRST + HOUR),)


def test_open_interest_of_one_time_that_differs_is_refused():
    def interest(value):
        return {"symbol": "BTCUSDT", "sumOpenInterest": value, "sumOpenInterestValue": "2", "timestamp": FIRST}

    page = one_page(OpenInterestSeries, "um|BTCUSDT|1h", [interest("1"), interest("1")])
    assert page.rows["open_interest"].to_pylist() == [1]
    with pytest.raises(SourceError, match="answered with"):
        one_page(OpenInterestSeries, "um|BTCUSDT|1h", [interest("1"), interest("3")])


def test_up_to_now_no_more_is_covered_than_the_newest_rate(fetch, exchange):
    now = TIMES[9] + 5 * HOUR
    assert fetch(FIRST, now, now) == (rounded(TIMES[:10]), [(FIRST, TIMES[9] + 1)])
    # Nothing new is no proof of anything: the rate of this moment may be late.
    assert fetch(FIRST, now, now, covered=[(FIRST, TIMES[9] + 1)]) == ([], [(TIMES[9] + 1, TIMES[9] + 1)])


def test_a_hole_in_what_is_covered_is_all_that_is_asked_for(fetch, exchange):
    covered = [(FIRST, TIMES[4] + 1), (TIMES[8], TIMES[20])]
    times, spans = fetch(FIRST, TIMES[20], covered=covered)
    assert times == rounded(TIMES[5:8])
    assert spans == [(TIMES[4] + 1, TIMES[8])]
    assert {question[0] >= TIMES[4] + 1 and question[1] < TIMES[8] for question in exchange.questions} == {True}
