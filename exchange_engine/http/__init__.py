"""HTTP to any venue: sessions, limits, waits, retries, errors."""
