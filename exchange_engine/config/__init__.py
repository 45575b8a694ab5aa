"""Configuration through dlt's providers: which values are set, where, and what each may be."""
