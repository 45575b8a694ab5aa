"""The Coinbase pipeline against the simulated exchange: what arrives, what later runs do, and what is refused."""

NOW = "2025-02-11T12:00:30"
CANDLES = ("--datasets", "coinbase_candles")


def test_candles_and_products_equal_the_exchange(project, exchange, truth):
    project.use_venue("coinbase", exchange.coinbase_url)
    project.load("--symbols", "BTC-USD,ETH-USDT", "--intervals", "1m,1h", "--start", "2025-02-10")
    expected = truth("coinbase_candles", ["BTC-USD", "ETH-USDT"], "2025-02-10", NOW, ["1m", "1h"])
    project.assert_equals("coinbase_candles", expected)
