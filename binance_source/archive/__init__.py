"""How data.binance.vision is spoken: listing, planning, download, verification, CSV to Arrow."""
