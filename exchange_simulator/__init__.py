"""A local server that speaks like the exchange."""
