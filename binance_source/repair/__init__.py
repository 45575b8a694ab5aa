"""Gaps of what is loaded, asked for again."""
