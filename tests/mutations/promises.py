"""The promises of docs/reliability.md: how each is broken on purpose, and the test that has to notice."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Promise:
    """What is promised, and a change of the code that breaks it.

    Attributes:
        name: As in the first column of docs/reliability.md.
        file: Where it is kept.
        old, new: The change; `old` stands there once.
        test: What pytest is given to run; it has to fail with the change.
    """

    name: str
    file: str
    old: str
    new: str
    test: str


PROMISES: Final = (
    Promise(
        "No float touches a price or a quantity",
        "exchange_engine/columns.py",
        "    return texts.cast(kind)\n",
        "    return texts.cast(pa.float64()).cast(kind)\n",
        "tests/unit/test_columns.py",
    ),
    Promise(
        "What does not fit is refused, never rounded",
        "exchange_engine/columns.py",
        "    if has_exponents or (pc.max(lengths).as_py() or 0) + kind.scale > SAFE_DIGITS:\n",
        "    if False:\n",
        "tests/unit/test_columns.py::test_what_does_not_fit_a_wide_column_is_refused",
    ),
    Promise(
        "Only candles that are closed by the exchange's clock are stored",
        "binance_source/rest/klines.py",
        "closed = [row for row in rows if row[6] < self._now]",
        "closed = rows",
        "tests/integration/test_exactness.py::test_the_open_kline_is_left_for_the_run_after_its_close",
    ),
    Promise(
        "A run that is killed loses nothing and doubles nothing",
        "market_loader/recovery.py",
        "WHERE _dlt_load_id > %s",
        "WHERE false AND _dlt_load_id > %s",
        "tests/crash/test_kills.py -k one_stage_after_the_other",
    ),
    Promise(
        "A file that was published again is there in one version",
        "market_loader/archive_files.py",
        "AND {name}._dlt_load_id <= file.replaced_load_id",
        "AND {name}._dlt_load_id < ''",
        "tests/crash/test_kills.py -k revised_file",
    ),
    Promise(
        "SIGINT and SIGTERM end a run within seconds, with its progress",
        "market_loader/signals.py",
        "GRACE_SECONDS = 4.0\n",
        "GRACE_SECONDS = 40.0\n",
        "tests/crash/test_signals.py",
    ),
    Promise(
        "A hole in an answer is not believed at once",
        "binance_source/rest/klines.py",
        "gap = self._request(asked, row[0] - 1)",
        "gap: list[_Row] = []",
        "tests/faults/test_faults.py -k one_answer_lacks",
    ),
    Promise(
        "What could not be had is named, and the exit code says so",
        "market_loader/command.py",
        "code = INCOMPLETE if job.failed or any(report.missing(job.runs)) else DONE",
        "code = DONE",
        "tests/faults/test_rest_faults.py",
    ),
    Promise(
        "What is covered is not fetched again: a run costs what is new",
        "binance_source/walks.py",
        "kind.rest(listed, connection.client, run.covered(dataset))",
        "kind.rest(listed, connection.client, {})",
        "tests/integration/test_increments.py -k second_run",
    ),
    Promise(
        "Never above the weight limit",
        "exchange_engine/http/budget.py",
        "is_free = max(self._counted, self._own) + self._under_way + weight <= self._cap",
        "is_free = weight <= self._cap",
        "tests/faults/test_waits.py -k weight_limit",
    ),
    Promise(
        "Other programs behind the same IP address are seen",
        "exchange_engine/http/budget.py",
        "self._counted = max(self._counted, used)",
        "self._counted += weight",
        "tests/unit/test_budget.py",
    ),
    Promise(
        "No request while told to wait",
        "exchange_engine/http/budget.py",
        "                if now < self._paused_until:\n",
        "                if False:\n",
        "tests/faults/test_waits.py -k ban_stops",
    ),
    Promise(
        "No file is believed that is not what its CHECKSUM promises",
        "binance_source/archive/verified.py",
        "                if download.sha256 == promised:\n",
        "                if download.sha256:\n",
        "tests/faults/test_archive_faults.py",
    ),
    Promise(
        "A zip cannot take all memory or disk, nor be read past what was packed",
        "binance_source/archive/zips.py",
        "self._given == self._member.file_size and self._crc != self._member.CRC",
        "False",
        "tests/fuzz/test_archive_zip.py",
    ),
    Promise(
        "Every row leads to its file or to REST",
        "binance_source/archive/series.py",
        '"source": file.key',
        '"source": "archive"',
        "tests/integration/test_archive.py",
    ),
    Promise(
        "A gap is confirmed by two answers of each source, some time apart, and by nothing less",
        "dbt_project/macros/ranges.sql",
        ">= interval '{{ var(\"gap_confirmation_minutes\") }} minutes'",
        ">= interval '0 minutes'",
        "tests/dbt/test_models_gaps.py",
    ),
    Promise(
        "An outage of the exchange is one that every symbol has",
        "dbt_project/models/silver/kline_gaps.sql",
        "where missing >= 2 and present = 0",
        "where missing >= 1",
        "tests/dbt/test_models_gaps.py",
    ),
    Promise(
        "An error is no evidence that there is nothing",
        "binance_source/repair/in_archive.py",
        '{error}"))\n                search.unanswered.append(file.period)',
        '{error}"))\n                search.looked_into.append(file)',
        "tests/integration/test_repair.py -k no_evidence",
    ),
    Promise(
        "What comes back is found by --repair",
        "binance_source/repair/gaps.py",
        "return not missing((self.first, self.end), [(entry[0], entry[1]) for entry in covered])",
        "return False",
        "tests/integration/test_repair.py -k comes_back",
    ),
    Promise(
        "A candle that is not what its trades say is a row with both values",
        "dbt_project/macros/reconciled_candles.sql",
        '"close", "volume", "quote_volume", "trade_count"',
        '"close", "quote_volume", "trade_count"',
        "tests/dbt/test_models_reconciliation.py",
    ),
    Promise(
        "A name that nothing reads is refused, with the one that was meant",
        "market_loader/configuration.py",
        "        for wrong, right in _slips_of_file(document):\n",
        "        for wrong, right in ():\n",
        "tests/configuration/test_names.py",
    ),
    Promise(
        "TLS is verified, always",
        "exchange_engine/http/session.py",
        'found["proxies"], found["verify"], False\n',
        'found["proxies"], False, False\n',
        "tests/security/test_transport.py",
    ),
    Promise(
        "No secret is in any message, however a library words it",
        "exchange_engine/http/session.py",
        'return _CREDENTIALS.sub("//", " ".join(said.split()))',
        'return " ".join(said.split())',
        "tests/security/test_transport.py -k password",
    ),
    Promise(
        "Limits that no answer tells are kept over any stretch of time",
        "exchange_engine/http/budget.py",
        "if self._used + self._under_way + weight <= self._cap:",
        "if weight <= self._cap:",
        "tests/unit/test_budget.py -k rate_holds",
    ),
    Promise(
        "An empty answer where rows may be is believed when it is given twice",
        "binance_source/rest/timed_rows.py",
        "if not page and window.end < self._now:",
        "if False:",
        "tests/unit/test_timed_rows.py",
    ),
    Promise(
        "An open candle of another venue is not stored",
        "exchange_engine/candles.py",
        "end = min(end, self._interval.closed_before(self._now))\n",
        "end = min(end, self._now)\n",
        "tests/integration/test_coinbase.py -k all_candles",
    ),
    Promise(
        "Numbers of JSON keep their digits",
        "coinbase_source/candles.py",
        'return f"{Decimal(text):f}"',
        'return f"{float(text):.12f}"',
        "tests/unit/test_coinbase_answers.py -k exactly",
    ),
    Promise(
        "A signed request carries the exchange's time, as it is sent",
        "binance_source/rest/signed.py",
        "now_ms = int((time.monotonic() + self._ahead_seconds) * 1000)",
        "now_ms = int(time.time() * 1000)",
        "tests/unit/test_signed_requests.py -k clock_of_this_machine",
    ),
    Promise(
        "A missing venue never becomes a zero",
        "dbt_project/models/gold/cross_exchange_ohlcv.sql",
        "{{ venue }}.{{ column }} as {{ venue }}_{{ column }},",
        "coalesce({{ venue }}.{{ column }}, 0) as {{ venue }}_{{ column }},",
        "tests/dbt/test_models_market.py -k weighed",
    ),
    Promise(
        "One odd row of a list costs itself alone",
        "exchange_engine/listed.py",
        "            return self._read_each(document, names)\n        found = {",
        "            raise\n        found = {",
        "tests/integration/test_odd_rows.py -k cannot_be_read",
    ),
    Promise(
        "A number that does not fit costs its row alone",
        "exchange_engine/listed.py",
        "            if len(rows) == 1:\n",
        "            if len(rows) > 1:\n                raise\n            if rows:\n",
        "tests/integration/test_odd_rows.py -k fine_step",
    ),
    Promise(
        "Settlements within a minute are one, or none if their rates differ",
        "exchange_engine/settlements.py",
        "for one in group}) > 1:",
        "for one in group}) > 9:",
        "tests/integration/test_odd_rows.py -k close_are_one_or_none",
    ),
    Promise(
        "Noise behind the 18th decimal of a volume is rounded half even",
        "coinbase_source/candles.py",
        "rounding=ROUND_HALF_EVEN",
        'rounding="ROUND_UP"',
        "tests/integration/test_odd_rows.py -k noise",
    ),
    Promise(
        "The names of a connected run are enough for silver",
        "dbt_project/models/silver/candle_series.sql",
        "coalesce(snapshots.base_asset, connected.base_asset)",
        "coalesce(snapshots.base_asset, null)",
        "tests/dbt/test_models_connected.py",
    ),
    Promise(
        "One run at a time works in a checkout",
        "market_loader/lock.py",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        "tests/crash/test_lock.py -k second_run",
    ),
    Promise(
        "What a consumer of rows has not got is not covered",
        "exchange_engine/run.py",
        "self._settle(dataset, ranges, coverage, pending, handed_on)",
        "self._settle(dataset, ranges, coverage, pending, row_count)",
        "tests/integration/test_dlt_user.py -k limit",
    ),
    Promise(
        "No cursor of dlt's stands between a symbol and its history",
        "exchange_engine/incremental.py",
        "    wrapper.set_incremental(None, from_hints=True)\n"
        '    dlt.current.resource_state().pop("incremental", None)\n',
        "",
        "tests/integration/test_dlt_user.py -k says_the_period_and",
    ),
)
