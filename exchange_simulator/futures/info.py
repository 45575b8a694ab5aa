"""A contract's entry in the futures' exchangeInfo."""

from typing import Any, Final

from exchange_simulator.futures.market import Contract, delivery_ms
from exchange_simulator.market.render import plain_text

_ORDER_TYPES: Final = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"]


def contract_info(contract: Contract, now: int) -> dict[str, Any]:
    """Return the entry. As at Binance, the precisions are not those of tick and step."""
    spec = contract.spec
    return {
        "symbol": spec.name,
        "pair": contract.terms.pair,
        "contractType": contract.contract_type(now),
        "deliveryDate": delivery_ms(contract),
        "onboardDate": spec.calendar.listed // 1000,
        "status": contract.status(now),
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": spec.base_asset,
        "quoteAsset": spec.quote_asset,
        "marginAsset": spec.quote_asset,
        "pricePrecision": spec.tick_decimals + 1,
        "quantityPrecision": spec.step_decimals,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "settlePlan": 0,
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "filters": _filters(contract),
        "orderTypes": _ORDER_TYPES,
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }


def _filters(contract: Contract) -> list[dict[str, Any]]:
    spec = contract.spec
    tick, step = plain_text(1, spec.tick_decimals), plain_text(1, spec.step_decimals)
    largest_price = plain_text(spec.base_price * 1000, spec.tick_decimals)
    largest_quantity = plain_text(spec.usual_quantity * 100_000, spec.step_decimals)
    notional = f"{float(spec.min_notional):g}"
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": largest_price, "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": step, "maxQty": largest_quantity, "stepSize": step},
        {"filterType": "MARKET_LOT_SIZE", "minQty": step, "maxQty": largest_quantity, "stepSize": step},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
        {"filterType": "MIN_NOTIONAL", "notional": notional},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": "1.0500",
            "multiplierDown": "0.9500",
            "multiplierDecimal": "4",
        },
    ]
