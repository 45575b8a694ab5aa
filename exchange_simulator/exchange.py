"""The simulated venues: how a request finds its venue and gets its response, without the network around it."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from exchange_simulator.account.keys import KeyRing
from exchange_simulator.archive.site import ArchiveSite
from exchange_simulator.clock import Clock
from exchange_simulator.faults import AFTERWARDS, INSTEAD, SIGNED_CLOCK_SKEW, Answer, Fault, FaultRules
from exchange_simulator.oddities import Oddities
from exchange_simulator.stats import Statistics
from exchange_simulator.venue import Request, Venue

_PAGES_REMEMBERED = 64
_GOOD: Final = 200
MAIN_LIMIT: Final = "spot weight"
"""The default limit: requests without a limit's name, and counts without one, are about it."""


class Exchange:
    """Venues, API keys, archive, clock, faults, oddities and counts of one simulator."""

    def __init__(
        self, venues: Sequence[Venue], keys: KeyRing, clock: Clock, archive: ArchiveSite, oddities: Oddities
    ) -> None:
        self.venues = venues
        self.keys = keys
        self.archive = archive
        self.clock = clock
        self.oddities = oddities
        self.faults = FaultRules()
        self.stats = Statistics()
        self._last_pages: OrderedDict[tuple[str, str | None], bytes] = OrderedDict()

    def venue(self, request: Request) -> Venue:
        """Return the venue of a request; the first one for a path of no venue."""
        return next((venue for venue in self.venues if request.path.startswith(venue.prefixes)), self.venues[0])

    def answer(self, request: Request) -> Answer:
        """Return the response to a request to one of the APIs."""
        venue = self.venue(request)
        missing = venue.missing(request)
        if missing is not None:
            return missing
        refusal = venue.admit(request)
        if refusal is not None:
            return refusal
        symbol = venue.symbol(request)
        fault = self.faults.strike(request.path, symbol)
        if fault is not None:
            self.stats.faults += 1
            if fault.kind in INSTEAD:
                return self._instead(venue, fault)
        if fault is not None and fault.kind == SIGNED_CLOCK_SKEW:
            request = replace(request, late=fault.skew_ms * 1000)
        lost = self.faults.lost(request.path, symbol) if venue.has_rows(request) else []
        self.stats.faults += bool(lost)
        request = replace(request, oddities=self.oddities.in_force)
        answer = venue.answer(request, lost)
        if answer.status == _GOOD:
            answer = replace(answer, body=self.oddities.rewritten(request, answer.body))
        page_key = (request.path, symbol)
        previous = self._last_pages.pop(page_key, None)
        self._last_pages[page_key] = answer.body
        while len(self._last_pages) > _PAGES_REMEMBERED:
            self._last_pages.popitem(last=False)
        return answer if fault is None else AFTERWARDS[fault.kind](fault, answer, previous)

    async def archive_answer(self, request: Request) -> Answer:
        """Return the response to a request to the archive, which has no limits."""
        if request.method not in ("GET", "HEAD"):
            return Answer(405, b"", shown_weight=0.0)
        fault = self.faults.strike(request.path, request.value("symbol"))
        if fault is None:
            return await self.archive.answer(request.path, request.query)
        self.stats.faults += 1
        if fault.kind in INSTEAD:
            return self._instead(self.venues[0], fault)
        answer = await self.archive.answer(request.path, request.query)
        return AFTERWARDS[fault.kind](fault, answer.loaded(), None)

    def _instead(self, venue: Venue, fault: Fault) -> Answer:
        answer = venue.fault(fault) or INSTEAD[fault.kind](fault)
        return venue.ban(answer.seconds) if answer.bans else answer

    def limits(self) -> dict[str, Any]:
        """Return the limits of all venues by name, with their counts."""
        return {name: counts for venue in self.venues for name, counts in venue.limits().items()}

    def counts(self) -> dict[str, Any]:
        """Return all counts, in the form of GET /simulator/stats."""
        limits = self.limits()
        main = limits[MAIN_LIMIT]
        return {
            **self.stats.as_dict(),
            "weight": main["total"],
            "weight_by_window": main["by_window"],
            "max_window_weight": main["max_in_window"],
            "limits": limits,
        }

    def reset_counts(self) -> None:
        """Reset all counts."""
        self.stats.reset()
        for venue in self.venues:
            venue.reset_counts()

    def reset_limits(self) -> None:
        """Forget usage, waits and bans at all venues."""
        for venue in self.venues:
            venue.reset_limits()

    def use(self, limit: str, amount: int) -> int:
        """Use up some of a limit as another client would, and return the usage. Raises KeyError for unknown limits."""
        venue = next((venue for venue in self.venues if limit in venue.limits()), None)
        if venue is None:
            raise KeyError(limit)
        return venue.use(limit, amount)
