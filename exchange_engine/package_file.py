"""Write the rows of a load package to a Parquet file that dlt imports as it is.

dlt's own writer compresses, and looks for repeated values and statistics in every column. Here this does not pay: most
columns are decimals, and the file lives for seconds. Written plainly it takes a third of the time.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.schema.typing import C_DLT_LOAD_ID
from pyarrow import parquet

from .columns import constant
from .tables import LABEL, Table


def as_file(table: Table, rows: Iterator[pa.Table]) -> Iterator[Any]:
    """Write the rows of one load package to a file, and pass the file to dlt.

    Call it while dlt extracts: the file holds the load id, and lies in the pipeline's working directory.

    Args:
        table: The staging table.
        rows: Arrow tables of its schema.

    Yields:
        One item for dlt, if there are rows.
    """
    load_id = dlt.current.load_package_state()["load_id"]
    path = Path(dlt.current.pipeline().working_dir) / f"{table.name}.parquet"
    schema = table.schema.append(pa.field(C_DLT_LOAD_ID, LABEL, nullable=False))
    labels = [field.name for field in schema if field.type == LABEL]
    count = 0
    try:
        with parquet.ParquetWriter(
            path, schema, compression="none", use_dictionary=labels, write_statistics=False
        ) as writer:
            for some in rows:
                identified = some.append_column(schema.field(C_DLT_LOAD_ID), constant(load_id, some.num_rows))
                # One row group per table: DuckDB loads row groups in parallel.
                writer.write_table(identified, row_group_size=some.num_rows)
                count += some.num_rows
        if count:
            yield dlt.mark.with_file_import(str(path), "parquet", count, hints=schema.empty_table())
    finally:
        path.unlink(missing_ok=True)
