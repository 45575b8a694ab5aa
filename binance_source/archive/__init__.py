"""data.binance.vision: listing, planning, download, verification, CSV to Arrow."""
