"""One module a dataset, and what they share: coverage and the parallel walk."""
