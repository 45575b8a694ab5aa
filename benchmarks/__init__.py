"""Timings: they live here and not in the tests, which must not depend on the machine."""
