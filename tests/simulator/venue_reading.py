"""What the tests of the other exchanges share: plain requests, and an own way to merge candles."""

import json
from decimal import Decimal
from types import SimpleNamespace


class Venue:
    """Plain requests to one exchange of a simulator; numbers with a point stay exact."""

    def __init__(self, client, url):
        self.session = client.session
        self.simulator = client.simulator
        self.spot = client
        self.url = url

    def ask(self, path, headers=None, **params):
        return self.session.get(f"{self.url}/{path}", params=params, headers=headers, timeout=30)

    def get(self, path, **params):
        answer = self.ask(path, **params)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.content, parse_float=Decimal)

    def refusal(self, path, **params):
        """The status and the content of an answer."""
        answer = self.ask(path, **params)
        return answer.status_code, answer.json()


def candle(time, first, high, low, last, *sums):
    """A candle of any exchange: its open time in milliseconds, its prices, and what adds up (the volume first)."""
    return SimpleNamespace(time=time, prices=(first, high, low, last), sums=sums)


def merge(finer, open_of):
    """Coarser candles of those in which anything traded; `open_of` gives the open time that a time belongs to."""
    groups = {}
    for row in finer:
        if row.sums[0]:
            groups.setdefault(open_of(row.time), []).append(row)
    return {
        opened: candle(
            opened,
            rows[0].prices[0],
            max(row.prices[1] for row in rows),
            min(row.prices[2] for row in rows),
            rows[-1].prices[3],
            *(sum(values) for values in zip(*(row.sums for row in rows), strict=True)),
        )
        for opened, rows in groups.items()
    }
