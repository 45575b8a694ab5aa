"""Looks at what a contestant left, with the baseline's DuckDB: a newer release reads the database of an older one.

Gets JSON: `dataset`, `kind` (database, parquet or csv) and `path`, the database or the folder of files. Prints JSON:
`rows`, the distinct `keys` among them and, of a database, `sums` and a `fingerprint` of all columns in any order.
"""

import json
import sys

import duckdb

COLUMNS = {
    "klines": (
        "market", "symbol", "interval", "open_time", "open", "high", "low", "close", "volume", "close_time",
        "quote_volume", "trade_count", "taker_buy_volume", "taker_buy_quote_volume", "source",
    ),
    "agg_trades": (
        "market", "symbol", "agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "trade_time",
        "is_buyer_maker", "source",
    ),
}  # fmt: skip
KEYS = {"klines": "market, symbol, interval, open_time", "agg_trades": "market, symbol, agg_trade_id"}
SUMS = {
    "klines": ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume"),
    "agg_trades": ("price", "quantity"),
}
CSV_COLUMNS = {"klines": 12, "agg_trades": 8}


def database(dataset: str, path: str) -> dict[str, object]:
    """Look at the staging table."""
    columns, sums = ", ".join(COLUMNS[dataset]), ", ".join(f"sum({name})::varchar" for name in SUMS[dataset])
    with duckdb.connect(path, read_only=True) as connection:
        found = connection.execute(
            f"select count(*), count(distinct ({KEYS[dataset]})), sum(hash({columns}))::varchar, {sums} "  # noqa: S608
            f"from staging.{dataset}"
        ).fetchone()
    rows, keys, fingerprint, *values = found or ()
    return {
        "rows": rows,
        "keys": keys,
        "sums": dict(zip(SUMS[dataset], values, strict=True)),
        "fingerprint": fingerprint,
    }


def files(dataset: str, path: str, kind: str) -> dict[str, object]:
    """Look at files: a row's key is the symbol in the file's name or folder, and the first column."""
    if kind == "parquet":
        table = "read_parquet($path, filename = true, hive_partitioning = false)"
    else:
        names = ", ".join(f"'column{number}': 'VARCHAR'" for number in range(CSV_COLUMNS[dataset]))
        table = f"read_csv($path, columns = {{{names}}}, header = false, auto_detect = false, filename = true)"
    connection = duckdb.connect()
    given = {"path": f"{path}/**/*.{kind}"}
    if not connection.execute("select count(*) from glob($path)", given).fetchone()[0]:  # type: ignore[index]
        return {"rows": 0, "keys": 0}
    first = connection.execute(f"describe from {table}", given).fetchall()[0][0]
    found = connection.execute(
        f"""select count(*), count(distinct (regexp_extract(filename, 'SYM[0-9]+USDT'), "{first}")) from {table}""",  # noqa: S608
        given,
    ).fetchone()
    rows, keys = found or ()
    return {"rows": rows, "keys": keys}


def main() -> None:
    """Print what is there."""
    asked = json.loads(sys.argv[1])
    dataset, path, kind = asked["dataset"], asked["path"], asked["kind"]
    print(json.dumps(database(dataset, path) if kind == "database" else files(dataset, path, kind)))


if __name__ == "__main__":
    main()
