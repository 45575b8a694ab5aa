"""What the exchange has to serve: a generated market, or recorded files."""
