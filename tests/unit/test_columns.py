"""Exact numbers, or an error that names the row."""

from decimal import Decimal

import pytest

from exchange_engine.columns import decimals, times_from_ms, times_from_us
from exchange_engine.http.errors import InexactNumberError
from exchange_engine.tables import WIDE_DECIMAL


@pytest.mark.parametrize(
    "text", ["0.00000001", "12345678901234567890.12345678", "-1.50000000", "0", "61000.1", "0.10000000000000000000"]
)
def test_every_digit_arrives(text):
    assert decimals([text], "price", ["row"])[0].as_py() == Decimal(text)


@pytest.mark.parametrize(
    "text", ["0.000000001", "123456789012345678901.0", "abc", "", "NaN", "1,5", "0x10", "Infinity"]
)
def test_what_does_not_fit_is_refused_by_row_and_column(text):
    with pytest.raises(InexactNumberError, match=r"row 17: price .* does not fit"):
        decimals(["1.0", text], "price", [16, 17])


@pytest.mark.parametrize(
    "text",
    [
        "100000000000000000000",
        "9579688032572423939776",
        "776214649357989180967.96",
        "-7062913593969569718727962426886.37",
        "123456789e14",
        "1.5e+22",
        "1e-57",
        "0.1000000000000000001",
    ],
)
def test_what_does_not_fit_a_wide_column_is_refused(text):
    with pytest.raises(InexactNumberError, match=r"row 17: price .* does not fit"):
        decimals(["1.0", text], "price", [16, 17], WIDE_DECIMAL)


@pytest.mark.parametrize("text", ["99999999999999999999.999999999999999999", "-12345678901234567890.1", "12e9", "5e-9"])
def test_every_digit_arrives_in_a_wide_column(text):
    assert decimals(["1.0", text, None], "price", [1, 2, 3], WIDE_DECIMAL).to_pylist() == [1, Decimal(text), None]


def test_times_keep_their_last_digit():
    assert times_from_ms([1_735_689_599_999])[0].as_py().isoformat() == "2024-12-31T23:59:59.999000+00:00"
    assert times_from_us([1_735_689_599_999_999])[0].as_py().isoformat() == "2024-12-31T23:59:59.999999+00:00"
