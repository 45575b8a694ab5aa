"""What an answer says about time and weight: heeded where it can be read, and never a crash."""

import re
import threading
import time

import pytest
from documents import ODD_TEXTS
from hypothesis import example, given
from hypothesis import strategies as st
from played import Exchange
from readings import from_json, integer

from exchange_engine.http.budget import WeightBudget
from exchange_engine.http.errors import BannedError, SourceError

YEAR_SECONDS = 365 * 86_400
PATIENCE_SECONDS = -1.0
"""Every wait is longer: it ends in the error that says until when."""

latin = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=12)
odd = st.sampled_from([one for one in ODD_TEXTS if len(one) < 1_000 and one.isascii() and one.isprintable()]) | latin
seconds = st.integers(0, 10**6).map(str) | st.integers(0, 10**30).map(str)
http_dates = st.sampled_from(
    ["Sat, 21 Nov 2026 14:43:44 GMT", "Sat, 21 Nov 2026 14:43:44 -0000", "Sat, 99 Nov 2026 14:43:44 GMT", "Sat", "0",
     "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"]
)  # fmt: skip
bans = st.sampled_from(
    [b"", b"{}", b"banned until 1795272224000", b"banned until 0000000000000", b"banned until 9999999999999"]
)


class Recording(WeightBudget):
    """Remembers what it was told of the used weight."""

    def release(self, weight, window, used):
        self.used = used
        super().release(weight, window, None)


@pytest.fixture(scope="module")
def own_exchange():
    stop = threading.Event()
    made = Exchange(stop)
    made.client.budget = Recording(10**12, 1.0, PATIENCE_SECONDS, stop, section="sources.binance")
    yield made
    made.client.close()


@given(seconds | http_dates | odd, http_dates | odd, bans | st.binary(max_size=60), st.sampled_from([418, 429]))
@example("\xb2", "", b"", 429)
@example("9" * 400, "", b"", 429)
@example("9" * 5_000, "", b"", 418)
@example("", "no date", b"banned until 1795272224000", 418)
@example("0", "", b"", 429)
def test_any_wait_is_kept_where_it_can_be_read(own_exchange, retry_after, date, body, status):
    own_exchange.play(body, status=status, headers={"Retry-After": retry_after, "Date": date})
    began = time.time()
    with pytest.raises(BannedError) as caught:
        own_exchange.client.get("time", {}, len)
    wait = caught.value.until.timestamp() - began
    assert 0 < wait < 2 * YEAR_SECONDS
    if re.fullmatch("[0-9]+", retry_after):
        digits = retry_after.lstrip("0")
        assert wait > (min(int(digits or 0), YEAR_SECONDS) if len(digits) < 10 else YEAR_SECONDS) - 1


@given(st.integers(0, 999_999).map(str) | seconds | odd)
@example("\xb2")
@example("9" * 5_000)
def test_any_used_weight_is_counted_as_it_says_or_not_at_all(own_exchange, value):
    own_exchange.play(b"{}", headers={"X-MBX-USED-WEIGHT-1M": value})
    assert own_exchange.client.get("time", {}, len) == 2
    used = own_exchange.client.budget.used
    if re.fullmatch("[0-9]{1,6}", value):
        assert used == int(value)
    else:
        assert used is None or (value.isascii() and value.isdigit() and used == int(value))


times = st.integers(-(10**6), 10**20).map(str) | st.integers(10**12, 10**13).map(str) | odd


@given(times.map(lambda value: f'{{"serverTime":{value}}}'.encode()) | st.binary(max_size=30), http_dates | odd)
@example(b'{"serverTime":1' + b"0" * 400 + b"}", "")
@example(b'{"serverTime":1' + b"0" * 400 + b"}", "Sat, 21 Nov 2026 14:43:44 GMT")
@example(b'{"serverTime":-1}', "")
def test_any_clock_is_what_it_says_or_a_named_error(own_exchange, body, date):
    own_exchange.play(body, headers={"Date": date})
    try:
        found = own_exchange.client.server_time_ms()
    except SourceError:
        return
    assert found == integer(from_json(body)["serverTime"])
    assert 0 <= found < 10**13
