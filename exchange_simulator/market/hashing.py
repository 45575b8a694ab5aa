"""Counter-based pseudo-random numbers: the same (seed, stream, counter) gives the same number on every machine."""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Hashes = npt.NDArray[np.uint64]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_30, _SHIFT_27, _SHIFT_31 = np.uint64(30), np.uint64(27), np.uint64(31)
_MASK_64 = (1 << 64) - 1


def splitmix64(counter: npt.NDArray[np.uint64]) -> Hashes:
    """Return the splitmix64 hash of each counter (Steele, Lea, Flood: Fast splittable pseudorandom generators)."""
    mixed = (counter + np.uint64(1)) * _GAMMA
    mixed ^= mixed >> _SHIFT_30
    mixed *= _MIX_1
    mixed ^= mixed >> _SHIFT_27
    mixed *= _MIX_2
    mixed ^= mixed >> _SHIFT_31
    return mixed


def stream_key(*parts: int | str) -> int:
    """Return the 64-bit key of a named stream of numbers, from any mix of integers and texts."""
    key = 0x243F6A8885A308D3
    for part in parts:
        data = part.encode() if isinstance(part, str) else (part & _MASK_64).to_bytes(8, "little")
        for byte in data + b"\xff":
            key = ((key ^ byte) * 0x100000001B3 + 0x9E3779B97F4A7C15) & _MASK_64
            key ^= key >> 29
    return key


def hashes(key: int, counters: Ints) -> Hashes:
    """Return one 64-bit hash for each counter of the stream `key`."""
    return splitmix64(counters.astype(np.uint64) ^ np.uint64(key))


def bits(values: Hashes, shift: int, width: int) -> Ints:
    """Return `width` bits of each hash, from bit `shift` on, as integers."""
    return ((values >> np.uint64(shift)) & np.uint64((1 << width) - 1)).astype(np.int64)
