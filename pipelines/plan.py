"""`--plan`: what a run would fetch, without fetching it."""

from collections.abc import Iterator
from typing import Any

from binance_source import AccountRun, MarketRun
from binance_source.planning import SeriesPlan, plan_dataset
from binance_source.rest.tickers import ticker_weight
from binance_source.series import DATASETS_OF_SERIES
from binance_source.settings import PAGE_ROWS, SPOT
from exchange_engine.coverage import series_key

MEGABYTES_A_SECOND = 10
"""What a download is taken to come at: a connection of 100 Mbit/s that is not quite used up."""

NO_FILES = SeriesPlan([], 1)

ALL = {"all": NO_FILES}

_SNAPSHOTS = {"symbols": "exchangeInfo", "premium_index": "premiumIndex"}

Planned = Iterator[tuple[str, dict[str, SeriesPlan], int]]
"""Datasets, with what each of their series would take, and the weight of a request."""


def print_plan(run: MarketRun | AccountRun, state: dict[str, Any]) -> None:
    """Print files, bytes, requests, weight and estimated minutes for each series and in all.

    Args:
        run: The opened run; each series is asked for where its data begin and end, which costs a few requests.
        state: dlt's pipeline state, for what is loaded already.
    """
    planned = _of_account(run) if isinstance(run, AccountRun) else _of_market(run, state)
    files = size = total = 0
    print(f"{'dataset':<17} {'series':<28} {'files':>7} {'MB':>10} {'requests':>9} {'weight':>9}")
    for dataset, series_plans, weight_each in planned:
        for series, plan in series_plans.items():
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
    if isinstance(run, AccountRun):
        print(
            f"a page of {PAGE_ROWS:,} trades a symbol at least: how many an account has is seen when they are fetched"
        )


def _of_market(run: MarketRun, state: dict[str, Any]) -> Planned:
    endpoints = run.market.endpoints
    resources = state.get("sources", {}).get("binance", {}).get("resources", {})
    for dataset in run.request.datasets:
        if dataset in DATASETS_OF_SERIES:
            known = resources.get(dataset, {})
            planned = plan_dataset(run, dataset, known.get("coverage", {}), known.get("wanted", {}))
            yield dataset, planned, endpoints[DATASETS_OF_SERIES[dataset].endpoint].weight
        elif dataset == "tickers_24h":
            yield dataset, ALL, ticker_weight(run.market, len(run.names))
        else:
            yield dataset, ALL, endpoints[_SNAPSHOTS[dataset]].weight


def _of_account(run: AccountRun) -> Planned:
    endpoints = run.client.market.endpoints
    for dataset in run.request.datasets:
        if dataset in run.series:
            yield dataset, {series_key(SPOT, name): NO_FILES for name in run.names}, endpoints["myTrades"].weight
        else:
            yield dataset, ALL, endpoints["account"].weight
