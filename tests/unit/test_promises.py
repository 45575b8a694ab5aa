"""The table of promises does not rot: what it breaks and its tests are there, and the documentation has all of it."""

from pathlib import Path

import pytest

from tests.mutations.promises import PROMISES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "reliability.md"


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.name)
def test_each_promise_is_broken_in_one_place_and_documented_with_its_test(promise):
    source = (ROOT / promise.file).read_text()
    assert source.count(promise.old) == 1
    assert promise.old != promise.new
    file = promise.test.split()[0].split("::")[0]
    assert (ROOT / file).is_file()
    assert any(promise.name in line and file in line for line in DOCUMENT.read_text().splitlines())
