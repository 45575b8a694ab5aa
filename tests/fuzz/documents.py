"""Texts and documents to parse: valid ones with their values, and what damage and malice make of them."""

import json

from hypothesis import strategies as st

ODD_TEXTS = (
    "1e-8", "1E5", "1e40", "1e400", "1e-400", "1e99999999999", "0e9", "NaN", "nan", "Infinity", "-inf", "-0", "-0.0",
    "+1", "++1", "--1", "007", "0" * 40 + "1", "0." + "0" * 40, "0.000000001", "0.0000000010", "1.123456789",
    "123456789012345678901", "12345678901234567890.12345678", "99999999999999999999.99999999", "9" * 28, "9" * 40,
    "-99999999999999999999.99999999", "-1", "-2", "", " ", " 1", "1 ", "\t1", "1\n", "1\x00", "\x001", ".5", "5.", ".",
    "1.2.3", "1,5", "1_000", "0x10", "0X1F", "-0x1", "0b1", "1f", "1L", "\u0661\u0662", "\uff11\uff12", "\xb2", "\xbd",
    "\u22121", "1\u2009000", "true", "True", "null", "None", "[]", '"1"', "'1'", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "18446744073709551616", "1" + "0" * 400, "x" * 70_000, "\ud7ff",
    "\U0001f4a5", "1e-77", "1.5E-100", "1e-08", "1." + "0" * 47 + "1", "9." + "9" * 47,
)  # fmt: skip
"""Numbers as they are not written, or hardly fit."""

ODD_VALUES = (
    *ODD_TEXTS, None, True, False, [], {}, [[]], [1], {"a": 1}, 0, -1, -2, 1, 1.5, 1e-8, 1e300, 2**31, 2**53 + 1,
    2**63 - 1, 2**63, 2**64, -(2**63), -(2**63) - 1, 10**30, 10**400, 1_700_000_000, 1_700_000_000_000,
    1_700_000_000_000_000, 1_700_000_000_000_000_000, float("nan"), float("inf"),
)  # fmt: skip


class Written:
    """A JSON number as it is written: Python's own floats do not have all of its forms."""

    def __init__(self, literal):
        self.literal = literal

    def __repr__(self):
        return f"Written({self.literal})"


LITERALS = ("1.0", "1e3", "1E-8", "-0", "0.1234567890123456789", "100000000000000000000.00000001", "1e400", "01", "+1")

odd_values = st.sampled_from(ODD_VALUES) | st.text(max_size=8) | st.sampled_from(LITERALS).map(Written)


@st.composite
def decimal_texts(draw):
    """Any number that fits decimal(28, 8), as an exchange writes it, or with more zeros."""
    digits = draw(st.integers(0, 10 ** draw(st.integers(0, 28)) - 1))
    places = draw(st.integers(0, 8))
    whole, fraction = divmod(digits % 10 ** (20 + places), 10**places)
    sign, zeros = draw(st.sampled_from([("", ""), ("", ""), ("-", ""), ("", "00")]))
    return f"{sign}{zeros}{whole}" + (f".{fraction:0{places}}" if places else "")


ids = st.integers(0, 2**63 - 1) | st.integers(0, 10**6)
counts = ids
booleans = st.booleans()


def dumps(document):
    """JSON; what is `Written` stays as it is."""
    literals = []

    def name(value):
        literals.append(value.literal)
        return f"\x02{len(literals) - 1}\x03"

    body = json.dumps(document, default=name, ensure_ascii=False)
    for number, literal in enumerate(literals):
        body = body.replace(f'"\\u0002{number}\\u0003"', literal)
    return body.encode("utf-8", "surrogatepass")


@st.composite
def damaged_bytes(draw, whole):
    """Bytes flipped, cut out, put in, doubled, cut off."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 40)))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "double", "end", "begin"]))
        if kind == "flip" and at < len(data):
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del data[at:end]
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=6))
        elif kind == "double":
            data[at:at] = data[at:end]
        elif kind == "end":
            del data[at:]
        elif kind == "begin":
            del data[:at]
    return bytes(data)


@st.composite
def damaged_rows(draw, rows):
    """Some fields with odd values, too many or too few fields, rows that are no rows, twice, or in another order."""
    rows = [list(row) if isinstance(row, list) else dict(row) for row in rows]
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(rows) - 1))
        row = rows[at]
        kind = draw(st.sampled_from(["value", "value", "value", "value", "lack", "more", "row", "twice", "order"]))
        if kind == "twice":
            rows.append(row)
        elif kind == "order":
            rows = draw(st.permutations(rows))
        elif kind == "row" or not row or not isinstance(row, list | dict):
            rows[at] = draw(odd_values)
        else:
            field = draw(st.sampled_from(sorted(row) if isinstance(row, dict) else range(len(row))))
            if kind == "value":
                row[field] = draw(odd_values)
            elif kind == "lack":
                del row[field]
            elif isinstance(row, dict):
                row[draw(st.text(max_size=3))] = draw(odd_values)
            else:
                row.insert(field, draw(odd_values))
    return rows


def bodies(rows):
    """Bodies made from a strategy of valid rows: damaged in their fields, or in their bytes."""
    return st.one_of(
        rows.flatmap(damaged_rows).map(dumps),
        rows.flatmap(lambda made: damaged_bytes(dumps(made))),
        rows.flatmap(damaged_rows).flatmap(lambda made: damaged_bytes(dumps(made))),
    )
