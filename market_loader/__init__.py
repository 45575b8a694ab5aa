"""The code of the commands in pipelines/: options, jobs, database, recovery, summary."""
