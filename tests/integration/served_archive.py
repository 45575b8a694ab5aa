"""The simulated archive as anybody may read it, with nothing of the project: paths, bytes, hashes, CSV rows."""

import csv
import hashlib
import io
import zipfile
from urllib.parse import quote
from urllib.request import ProxyHandler, build_opener

# The simulator is on this machine: a proxy of the environment is none of its business.
OPENER = build_opener(ProxyHandler({}))


def key_of(kind, symbol, period, interval=None):
    """Path of a file: a month such as 2025-01 or a day such as 2025-01-31."""
    frequency = "monthly" if len(period) == len("2025-01") else "daily"
    folder = f"data/spot/{frequency}/{kind}/{symbol}/" + (f"{interval}/" if interval else "")
    return f"{folder}{symbol}-{interval or kind}-{period}.zip"


def days(first, last):
    """Days of a month, such as 2025-02-01 to 2025-02-10."""
    return [f"{first[:-2]}{day:02d}" for day in range(int(first[-2:]), int(last[-2:]) + 1)]


def content(exchange, key):
    """The bytes of a file."""
    with OPENER.open(f"{exchange.archive_url}/{quote(key)}") as answer:
        return answer.read()


def sha256(exchange, key):
    return hashlib.sha256(content(exchange, key)).hexdigest()


def csv_rows(exchange, key):
    """The rows of the one CSV of a zip, without its header if it has one."""
    with zipfile.ZipFile(io.BytesIO(content(exchange, key))) as archive:
        rows = list(csv.reader(io.StringIO(archive.read(archive.namelist()[0]).decode())))
    return rows if rows[0][0].isdigit() else rows[1:]


def zips_asked_for(exchange):
    """How often each zip was asked for."""
    paths = exchange.stats()["requests_by_path"]
    return {path.removeprefix("/"): count for path, count in paths.items() if path.endswith(".zip")}


def rest_requests(exchange):
    """How often each endpoint of REST was asked."""
    return {path: n for path, n in exchange.stats()["requests_by_path"].items() if path.startswith("/api/")}


def assert_trades_equal(project, table, truth):
    """Assert that a table of trades holds exactly the truth; rows of files from before 2025 are cut to milliseconds."""
    number = {"trades": "trade_id", "agg_trades": "agg_trade_id"}[table]
    columns = ", ".join(truth.column_names)
    loaded = f"select {columns} from staging.{table}"
    expected = f"""
        select {columns} from (
            select truth.* replace (
                case when loaded.source <> 'rest' and truth.trade_time < '2025-01-01 00:00:00+00'
                then date_trunc('milliseconds', truth.trade_time) else truth.trade_time end as trade_time
            )
            from truth join staging.{table} as loaded using (symbol, {number})
        )"""
    assert truth.num_rows > 0
    assert project.count(table) == truth.num_rows
    assert project.query(f"({loaded} except {expected}) limit 3", truth=truth) == []
    assert project.query(f"({expected} except {loaded}) limit 3", truth=truth) == []


def files(project, where="true"):
    """What is recorded of the archive's files: path to its line."""
    names = ("status", "reason", "sha256", "size_bytes", "row_count", "rows_loaded", "dataset", "symbol")
    lines = project.query(f"select path, {', '.join(names)} from staging.archive_files where {where}")
    found = {line[0]: dict(zip(names, line[1:], strict=True)) for line in lines}
    assert len(found) == len(lines)
    return found


def assert_rows_lead_to_files(project, searched=()):
    """Assert that each row leads to a file with a line or to REST, and that each line counts its rows.

    `searched` are the files out of which only missing rows were taken.
    """
    known = files(project)
    assert {line["status"] for line in known.values()} <= {"loaded", "quarantined", "searched"}
    assert {path for path, line in known.items() if line["status"] == "searched"} == set(searched)
    sources = {}
    for table in {line["dataset"] for line in known.values()}:
        sources |= dict(project.query(f"select source, count(*) from staging.{table} group by source"))
    sources.pop("rest", None)
    assert set(sources) - set(known) == set()
    assert {path: line["rows_loaded"] for path, line in known.items() if line["rows_loaded"]} == sources


def assert_traced(project, exchange, searched=()):
    """Assert that each row leads to a file or to REST, and each file to what it really holds."""
    assert_rows_lead_to_files(project, searched)
    for path, line in files(project).items():
        if line["status"] != "quarantined":
            served = content(exchange, path)
            assert (line["sha256"], line["size_bytes"]) == (hashlib.sha256(served).hexdigest(), len(served)), path
            assert line["row_count"] == (None if path in searched else len(csv_rows(exchange, path))), path
            assert line["reason"] is None, path
        else:
            assert line["reason"], path
