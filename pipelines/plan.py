"""`--plan`: what a run would fetch, without fetching it."""

from typing import Any

from binance_source import SpotRun
from binance_source.resources.tickers import ticker_weight
from binance_source.run import DATASETS_OF_SERIES
from binance_source.settings import WEIGHTS

ENDPOINTS = {"klines": "klines", "agg_trades": "aggTrades", "trades": "historicalTrades"}
"""Dataset to the endpoint that its pages come from."""


def print_plan(run: SpotRun, state: dict[str, Any]) -> None:
    """Print requests, weight and estimated minutes for each series and in all.

    Args:
        run: The opened run; each series is asked for where its data begin and end, which costs a few requests.
        state: dlt's pipeline state, for what is loaded already.
    """
    resources = state.get("sources", {}).get("binance", {}).get("resources", {})
    total = 0
    print(f"{'dataset':<12} {'series':<28} {'requests':>9} {'weight':>9}")
    for dataset in run.request.datasets:
        if dataset in DATASETS_OF_SERIES:
            coverage = resources.get(dataset, {}).get("coverage", {})
            planned = run.plan(dataset, coverage)
            weight_each = WEIGHTS[ENDPOINTS[dataset]]
            lines = [(series, pages, pages * weight_each) for series, pages in planned.items()]
        elif dataset == "tickers_24h":
            lines = [("all", 1, ticker_weight(len(run.request.symbols)))]
        else:
            lines = [("all", 1, WEIGHTS["exchangeInfo"])]
        for series, requests, weight in lines:
            print(f"{dataset:<12} {series.replace('|', ' '):<28} {requests:>9,} {weight:>9,}")
            total += weight
    limit = run.client.budget.per_window
    print(f"in all weight {total:,}: about {total / limit:.1f} minutes at {limit:,.0f} a minute; nothing was loaded")
