"""The OKX pipeline against the simulated exchange: what arrives, what later runs do, and what is refused."""

NOW = "2025-02-11T12:00:30"


def test_candles_and_funding_rates_equal_the_exchange(project, exchange, truth):
    project.use_venue("okx", exchange.okx_url)
    symbols = ["BTC-USDT", "ETH-USDT-SWAP"]
    project.load("--symbols", ",".join(symbols), "--intervals", "1m,1h,1d", "--start", "2025-02-05")
    project.assert_equals("okx_candles", truth("okx_candles", symbols, "2025-02-05", NOW, ["1m", "1h", "1d"]))
    project.assert_equals("okx_funding_rates", truth("okx_funding_rates", symbols[1:], "2025-02-05", NOW))
