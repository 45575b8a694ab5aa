"""Gaps in loaded data, and retrying them."""
