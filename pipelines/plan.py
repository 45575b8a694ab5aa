"""`--plan`: what a run would fetch, without fetching it."""

from typing import Any

from binance_source import MarketRun
from binance_source.planning import SeriesPlan, plan_dataset
from binance_source.resources.tickers import ticker_weight
from binance_source.series import DATASETS_OF_SERIES

MEGABYTES_A_SECOND = 10
"""What a download is taken to come at: a connection of 100 Mbit/s that is not quite used up."""

NO_FILES = SeriesPlan([], 1)

_SNAPSHOTS = {"symbols": "exchangeInfo", "premium_index": "premiumIndex"}


def print_plan(run: MarketRun, state: dict[str, Any]) -> None:
    """Print files, bytes, requests, weight and estimated minutes for each series and in all.

    Args:
        run: The opened run; each series is asked for where its data begin and end, which costs a few requests.
        state: dlt's pipeline state, for what is loaded already.
    """
    endpoints = run.market.endpoints
    resources = state.get("sources", {}).get("binance", {}).get("resources", {})
    files = size = total = 0
    print(f"{'dataset':<17} {'series':<28} {'files':>7} {'MB':>10} {'requests':>9} {'weight':>9}")
    for dataset in run.request.datasets:
        weight_each = 0
        if dataset in DATASETS_OF_SERIES:
            known = resources.get(dataset, {})
            planned = plan_dataset(run, dataset, known.get("coverage", {}), known.get("wanted", {}))
            weight_each = endpoints[DATASETS_OF_SERIES[dataset].endpoint].weight
        elif dataset == "tickers_24h":
            planned, weight_each = {"all": NO_FILES}, ticker_weight(run.market, len(run.names))
        else:
            planned, weight_each = {"all": NO_FILES}, endpoints[_SNAPSHOTS[dataset]].weight
        for series, plan in planned.items():
            weight, megabytes = plan.pages * weight_each, sum(file.size for file in plan.files)
            print(
                f"{dataset:<17} {series.replace('|', ' '):<28} {len(plan.files):>7,} {megabytes / 1e6:>10,.1f} "
                f"{plan.pages:>9,} {weight:>9,}"
            )
            files, size, total = files + len(plan.files), size + megabytes, total + weight
    limit = run.client.budget.per_window
    minutes = size / 1e6 / MEGABYTES_A_SECOND / 60 + total / limit
    print(
        f"in all {files:,} files with {size:,} bytes, and weight {total:,}: about {minutes:.1f} minutes, "
        f"at {MEGABYTES_A_SECOND} MB a second and {limit:,.0f} weight a minute; nothing was loaded"
    )
