"""HTTP sessions: keep-alive, proxies and certificates from the environment, verified TLS, bounded bodies."""

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import requests
import urllib3
from requests.adapters import HTTPAdapter

from ..config.providers import ConfigurationError
from ..config.sections import Section

AGENT = "binance-market-data"

MAX_BACKOFF_SECONDS = 30.0
FIRST_CONTACT_ATTEMPTS = 3
"""Attempts of a run's first request: a wrong host or a missing network should be reported soon."""

SLOWEST_BYTES_PER_SECOND = 1024
"""The slowest speed at which a body may arrive once the timeout has passed. Without it, a body whose pieces each arrive
in time could go on forever."""

PIECE_BYTES = 2**16


_CREDENTIALS = re.compile(r"//[^/\s'\"]*@")
"""User name and password in the URL of a proxy."""


class _Session(requests.Session):
    """A session that stays with the host and scheme that it was told to use."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect: another address does not speak for the venue."""


def open_session(url: str, connections: int) -> requests.Session:
    """Return a session that any number of threads may use.

    Args:
        url: A URL of the host, for which proxies and certificates are looked up.
        connections: Connections that are used at once.

    Raises:
        ConfigurationError: The environment names an invalid proxy, or a file of certificates that does not exist.
    """
    session = _Session()
    # Listings are fetched while files are: a larger pool keeps urllib3 from discarding connections.
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=2 * connections)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    session.headers["User-Agent"] = AGENT
    # Read the environment once, not for each of thousands of requests.
    found = session.merge_environment_settings(url, {}, None, None, None)
    _check_environment(found["proxies"], found["verify"])
    session.proxies, session.verify, session.trust_env = found["proxies"], found["verify"], False
    return session


def _check_environment(proxies: Mapping[str, str], certificates: object) -> None:
    for scheme, proxy in proxies.items():
        try:
            is_address = bool(urllib3.util.parse_url(proxy).host)
        except urllib3.exceptions.LocationParseError:
            is_address = False
        if not is_address:
            # The value is not shown: it may hold a password.
            raise ConfigurationError(f"the variable {scheme.upper()}_PROXY is no URL, such as http://host:3128")
    if isinstance(certificates, str) and not Path(certificates).exists():
        raise ConfigurationError(
            f"there are no certificates at {certificates}, which REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names"
        )


def pause_seconds(configuration: Section, attempt: int) -> float:
    """Return the seconds to wait after the `attempt`th failure of a request; they double up to a maximum."""
    return float(min(configuration.backoff_seconds * 2 ** (attempt - 1), MAX_BACKOFF_SECONDS))


def pieces(response: requests.Response, timeout_seconds: float) -> Iterator[bytes]:
    """Yield the body of a streamed response as it arrives.

    Raises:
        requests.RequestException: The body breaks off, cannot be decoded, or arrives too slowly.
    """
    began, size = time.monotonic(), 0
    while True:
        try:
            piece = response.raw.read1(PIECE_BYTES, decode_content=True)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise requests.ReadTimeout(error) from error
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(error) from error
        if not piece:
            return
        size += len(piece)
        seconds = time.monotonic() - began
        if seconds > timeout_seconds + size / SLOWEST_BYTES_PER_SECOND:
            raise requests.Timeout(f"only {size:,} bytes of an answer came in {seconds:.0f} seconds")
        yield piece


def whole_body(response: requests.Response, timeout_seconds: float, most: int) -> bytes:
    """Return the body of a streamed response.

    Raises:
        requests.RequestException: As in `pieces`, or the body has more than `most` bytes.
    """
    body = bytearray()
    for piece in pieces(response, timeout_seconds):
        body += piece
        if len(body) > most:
            raise requests.RequestException(f"an answer of more than {most:,} bytes")
    return bytes(body)


def transport_error(error: Exception) -> str:
    """Return the innermost cause of an error of the HTTP library, on one line and without credentials."""
    if isinstance(error, requests.ConnectTimeout | requests.ReadTimeout):
        return "no answer in time"
    said = str(error)
    if isinstance(error, requests.ConnectionError):
        cause: object = error.args[0] if error.args else error
        cause = getattr(cause, "reason", cause)
        said = f"cannot connect ({str(cause).split(': ', 1)[-1]})"
    return _CREDENTIALS.sub("//", " ".join(said.split()))
