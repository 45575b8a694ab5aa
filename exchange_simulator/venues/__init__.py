"""The other venues, whose prices follow those of the simulated spot market."""
