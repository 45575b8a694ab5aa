"""The engine that all venues share: requests, limits, configuration, cursors as ranges, load packages, the run."""
