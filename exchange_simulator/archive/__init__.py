"""The exchange's archive of zip files: what files there are, their listing, and their faults."""
