"""What benchmarks.archive compares the pipeline with: each a script, run by the Python of an environment of its own.

A script gets one argument, JSON: `url` of the local archive, `folder` to write into, `dataset` (klines or agg_trades),
`symbols`, `folders` (the archive's, one a symbol), and the `first` and the `last` day. It prints nothing that counts:
the rows are counted in what it leaves in its folder, after the clock has stopped.
"""
