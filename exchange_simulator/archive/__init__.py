"""The archive of zip files: its files, their listing, and their faults."""
