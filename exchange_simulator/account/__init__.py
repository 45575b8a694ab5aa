"""The signed part of the spot API: API keys, signatures, and one account with its trades and balances."""
