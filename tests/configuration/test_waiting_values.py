"""--wait takes a number of minutes, or none."""

import pytest


@pytest.mark.parametrize("value", ["-5", "nan", "inf", "soon", ""])
def test_what_is_no_number_of_minutes_is_refused_and_named(command, exchange, value):
    done = command.run("--wait", value)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].endswith(
        f"error: argument --wait: {value!r} is no number of minutes, such as 60"
    )
    assert exchange.stats()["requests"] == 0
