"""A generated symbol's entry in exchangeInfo."""

from typing import Any

from exchange_simulator.market.config import SymbolSpec
from exchange_simulator.market.render import decimal_text

_ORDER_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]
_SELF_TRADE_PREVENTION = ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"]


def symbol_info(spec: SymbolSpec, status: str) -> dict[str, Any]:
    """Return the entry with every field that the API documents; the filters follow from the market file."""
    return {
        "symbol": spec.name,
        "status": status,
        "baseAsset": spec.base_asset,
        "baseAssetPrecision": 8,
        "quoteAsset": spec.quote_asset,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": _ORDER_TYPES,
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "opoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(spec),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": _SELF_TRADE_PREVENTION,
    }


def _filters(spec: SymbolSpec) -> list[dict[str, Any]]:
    tick, step = decimal_text(1, spec.tick_decimals), decimal_text(1, spec.step_decimals)
    largest_price = decimal_text(spec.base_price * 1000, spec.tick_decimals)
    largest_quantity = decimal_text(spec.usual_quantity * 100_000, spec.step_decimals)
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": largest_price, "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": step, "maxQty": largest_quantity, "stepSize": step},
        {"filterType": "ICEBERG_PARTS", "limit": 10},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": largest_quantity, "stepSize": "0.00000000"},
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": 10,
            "maxTrailingAboveDelta": 2000,
            "minTrailingBelowDelta": 10,
            "maxTrailingBelowDelta": 2000,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": "5",
            "bidMultiplierDown": "0.2",
            "askMultiplierUp": "5",
            "askMultiplierDown": "0.2",
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": spec.min_notional,
            "applyMinToMarket": True,
            "maxNotional": "9000000.00000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
    ]
