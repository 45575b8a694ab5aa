"""Binance's errors: HTTP status, code and text, as in its error reference."""

from dataclasses import dataclass


@dataclass
class ApiError(Exception):
    """A response {"code": ..., "msg": ...} with an HTTP status."""

    code: int
    message: str
    status: int = 400


TOO_MANY_REQUESTS_CODE = -1003


def illegal_characters(name: str, pattern: str) -> ApiError:
    """-1100: the value has a character that its pattern does not allow."""
    return ApiError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'.")


def too_many_parameters(expected: int, received: int) -> ApiError:
    """-1101: an endpoint that takes no parameters got some."""
    return ApiError(-1101, f"Too many parameters; expected '{expected}' and received '{received}'.")


def duplicate_parameter() -> ApiError:
    """-1101: a parameter was sent twice."""
    return ApiError(-1101, "Duplicate values for a parameter detected.")


def missing_parameter(name: str) -> ApiError:
    """-1102: a mandatory parameter is missing or malformed."""
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def unknown_parameter() -> ApiError:
    """-1103: the endpoint has no such parameter."""
    return ApiError(-1103, "An unknown parameter was sent.")


def empty_parameter(name: str) -> ApiError:
    """-1105: a parameter without a value."""
    return ApiError(-1105, f"Parameter '{name}' was empty.")


def overflow(name: str) -> ApiError:
    """-1108: the number is too large."""
    return ApiError(-1108, f"Parameter '{name}' overflowed.")


def bad_interval() -> ApiError:
    """-1120: no such kline interval."""
    return ApiError(-1120, "Invalid interval.")


def bad_symbol() -> ApiError:
    """-1121: no such symbol."""
    return ApiError(-1121, "Invalid symbol.")


def bad_symbol_status() -> ApiError:
    """-1122: no such symbol status."""
    return ApiError(-1122, "Invalid symbolStatus.")


def bad_key_format() -> ApiError:
    """-2014: there is no API key, or it has characters that no key has."""
    return ApiError(-2014, "API-key format invalid.", 401)


def rejected_key() -> ApiError:
    """-2015: the API key is unknown, belongs to another address, or lacks the permission."""
    return ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def bad_signature() -> ApiError:
    """-1022: the signature does not match the request."""
    return ApiError(-1022, "Signature for this request is not valid.")


def timestamp_ahead() -> ApiError:
    """-1021: the timestamp is in the venue's future."""
    return ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def timestamp_too_old() -> ApiError:
    """-1021: the request took longer than its recvWindow."""
    return ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


def window_too_long() -> ApiError:
    """-1131: the recvWindow is longer than a minute."""
    return ApiError(-1131, "recvWindow must be less than 60000.")


def start_after_end() -> ApiError:
    """-1023: the range of times is empty; futures only."""
    return ApiError(-1023, "Start time is greater than end time.")


def window_too_wide(most: str) -> ApiError:
    """-1127: the time between start and end is longer than the endpoint allows."""
    return ApiError(-1127, f"Lookup interval is too big. More than {most} between startTime and endTime.")


def not_trading() -> ApiError:
    """-4108: the futures contract has ended, or does not trade yet."""
    return ApiError(-4108, "Symbol is on delivering or delivered or settling or close or pre-trading.")


def bad_combination() -> ApiError:
    """-1128: optional parameters that exclude each other."""
    return ApiError(-1128, "Combination of optional parameters invalid.")


def bad_value(name: str) -> ApiError:
    """-1130: the parameter does not take this value."""
    return ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")


def bad_json() -> ApiError:
    """-1135: the value is not the expected JSON."""
    return ApiError(-1135, "Invalid JSON Request")


def bad_ticker_type() -> ApiError:
    """-1139: the ticker's type is neither FULL nor MINI."""
    return ApiError(-1139, "Invalid ticker type.")


def repeated_symbol() -> ApiError:
    """-1151: a symbol is in the list twice."""
    return ApiError(-1151, "Symbol is present multiple times in the list.")


def bad_time_unit() -> ApiError:
    """-1194: the X-MBX-TIME-UNIT header is neither of the two units."""
    return ApiError(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")


def status_mismatch() -> ApiError:
    """-1220: the symbol does not have the requested status."""
    return ApiError(-1220, "The symbol's status does not match the requested symbolStatus.")
