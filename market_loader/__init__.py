"""The code behind the commands in pipelines/: options, jobs, database, recovery, summary."""
