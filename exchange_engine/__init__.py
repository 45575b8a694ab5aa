"""What all venues share, and no venue: requests, limits, configuration, cursors as ranges, load packages, one run."""
