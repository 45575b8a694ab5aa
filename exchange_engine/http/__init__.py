"""HTTP to any exchange: sessions, limits, waits, retries, errors."""
