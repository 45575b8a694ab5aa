"""The archive's host as a bad server plays it: listings, checksums and downloads are believed only where they hold."""

import hashlib
import threading
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from binance_source.archive.errors import ArchiveFileError, ArchiveUnreachableError, MissingFileError
from binance_source.archive.host import ArchiveFile, ArchiveHost
from binance_source.archive.verified import Downloads
from binance_source.archive.zips import open_member
from binance_source.settings import BinanceConfiguration
from exchange_engine.http.errors import StoppedError

PREFIX = "data/spot/daily/klines/BTCUSDT/1m/"
NAME = "BTCUSDT-1m-2024-05-07.zip"
CONTENT = b"the bytes of a zip"
SIZE = 18
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass
class Server:
    """Answers as `answers` says: by path for files, by a function of (prefix, marker) for listings."""

    url: str = ""
    answers: dict = field(default_factory=dict)
    listing: object = None
    asked: list = field(default_factory=list)

    def answer(self, path, query):
        self.asked.append((path, query.get("marker", "")))
        if path == "/":
            return self.listing(query["prefix"], query.get("marker", ""))
        made = self.answers.get(path, (404, b""))
        return made.pop(0) if isinstance(made, list) and len(made) > 1 else made[0] if isinstance(made, list) else made


@contextmanager
def serving():
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self):
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
            status, body, *headers = server.answer(unquote(url.path), query)
            self.send_response(status)
            given = dict(headers[0]) if headers else {}
            for name, value in {"Content-Length": str(len(body)), **given}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = "Content-Length" in given

        def log_message(self, *parts):
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    server.url = f"http://127.0.0.1:{made.server_port}"
    try:
        yield server
    finally:
        made.shutdown()
        made.server_close()
        thread.join()


@pytest.fixture
def server():
    with serving() as made:
        made.listing = lambda prefix, marker: page(prefix, marker, [key(prefix, NAME)])
        yield made


@pytest.fixture
def stop():
    return threading.Event()


@pytest.fixture
def host(server, stop):
    configuration = BinanceConfiguration()
    configuration.archive_url = server.url
    configuration.archive_listing_url = server.url + "/"
    configuration.max_attempts = 3
    configuration.backoff_seconds = 0.001
    configuration.timeout_seconds = 5.0
    made = ArchiveHost(configuration, stop)
    yield made
    made.close()


def key(prefix, name, size=SIZE, modified="2024-05-08T03:12:45.000Z"):
    return (
        f"<Contents><Key>{prefix}{name}</Key><LastModified>{modified}</LastModified>"
        f'<ETag>"d41d8"</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>'
    )


def folder(prefix):
    return f"<CommonPrefixes><Prefix>{prefix}</Prefix></CommonPrefixes>"


def page(prefix, marker, entries, truncated=False, following=None, namespace=NAMESPACE):
    next_marker = "" if following is None else f"<NextMarker>{following}</NextMarker>"
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="{namespace}">'
        "<Name>data.binance.vision</Name>"
        f"<Prefix>{prefix}</Prefix><Marker>{marker}</Marker>{next_marker}<MaxKeys>1000</MaxKeys>"
        f"<Delimiter>/</Delimiter><IsTruncated>{str(truncated).lower()}</IsTruncated>{''.join(entries)}"
        "</ListBucketResult>"
    )
    return 200, body.encode()


def file(name=NAME, size=SIZE, prefix=PREFIX):
    return ArchiveFile(prefix + name, size, 0, (0, 86_400_000))


def sha(content):
    return hashlib.sha256(content).hexdigest()


def serve_file(server, content=CONTENT, checksum=None, name=NAME, headers=()):
    server.answers[f"/{PREFIX}{name}"] = (200, content, headers)
    body = f"{sha(content)}  {name}" if checksum is None else checksum
    server.answers[f"/{PREFIX}{name}.CHECKSUM"] = (200, body.encode())


# Listings


def test_a_listing_gives_path_size_time_and_period(host):
    # 2024-05-07 is day 19,850 since 1970; 2024-05-08 03:12:45 is 11,565 seconds into day 19,851.
    [found] = host.files(PREFIX)
    assert found == ArchiveFile(
        PREFIX + NAME,
        len(CONTENT),
        (19_851 * 86_400 + 11_565) * 1_000_000,
        (19_850 * 86_400_000, 19_851 * 86_400_000),
    )
    assert found.name == NAME


@pytest.mark.parametrize("namespace", [NAMESPACE, "", "http://example.org/other"])
def test_the_namespace_of_a_listing_does_not_matter(host, server, namespace):
    server.listing = lambda prefix, marker: page(prefix, marker, [key(prefix, NAME)], namespace=namespace)
    assert [one.name for one in host.files(PREFIX)] == [NAME]


@pytest.mark.parametrize("with_next_marker", [False, True])
def test_pages_are_followed_by_their_markers_to_the_end(host, server, with_next_marker):
    names = [f"BTCUSDT-1m-2024-{month:02}-{day:02}.zip" for month in range(1, 13) for day in range(1, 29)]
    keys = sorted(PREFIX + name + ending for name in names for ending in ("", ".CHECKSUM"))

    def listing(prefix, marker):
        left = [one for one in keys if one > marker]
        entries = [key("", one) for one in left[:100]]
        following = left[99] if with_next_marker and len(left) > 100 else None
        return page(prefix, marker, entries, truncated=len(left) > 100, following=following)

    server.listing = listing
    assert [one.name for one in host.files(PREFIX)] == names
    assert [marker for _, marker in server.asked] == ["", *(keys[at] for at in range(99, 672 - 1, 100))]


def test_no_page_is_asked_for_behind_the_last_wanted_file(host, server):
    keys = [f"{PREFIX}BTCUSDT-1m-2024-05-{day:02}.zip" for day in range(1, 32)]

    def listing(prefix, marker):
        left = [one for one in keys if one > marker]
        return page(prefix, marker, [key("", one) for one in left[:10]], truncated=len(left) > 10)

    server.listing = listing
    assert [one.key for one in host.files(PREFIX, last=keys[13])] == keys[:14]
    assert [marker for _, marker in server.asked] == ["", keys[9]]


def test_a_marker_leaves_out_what_comes_before_it(host, server):
    host.files(PREFIX, PREFIX + "BTCUSDT-1m-2024-05-01")
    assert server.asked == [("/", PREFIX + "BTCUSDT-1m-2024-05-01")]


@pytest.mark.parametrize("following", ["", "data/spot/", None])
def test_a_listing_that_does_not_go_on_is_refused(host, server, following):
    entries = [] if following is None else [key(PREFIX, NAME)]
    server.listing = lambda prefix, marker: page(prefix, marker, entries, truncated=True, following=following)
    with pytest.raises(ArchiveFileError, match="does not go on"):
        host.files(PREFIX, PREFIX + "BTCUSDT-1m-2024-05-01")


def test_a_listing_that_goes_round_in_circles_is_refused(host, server):
    server.listing = lambda prefix, marker: page(
        prefix, marker, [key(prefix, NAME)], truncated=True, following=PREFIX + NAME
    )
    with pytest.raises(ArchiveFileError, match="does not go on"):
        host.files(PREFIX)


@pytest.mark.parametrize(
    "answer",
    [
        lambda prefix, marker: page("data/spot/daily/klines/ETHUSDT/1m/", marker, [key(prefix, NAME)]),
        lambda prefix, marker: page(prefix, "another", [key(prefix, NAME)]),
        lambda prefix, marker: page("", "", [key(prefix, NAME)]),
    ],
)
def test_the_answer_to_another_question_is_refused(host, server, answer):
    host.files(PREFIX)
    server.listing = answer
    with pytest.raises(ArchiveFileError, match="was answered with"):
        host.files(PREFIX)


BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha" * 10}">' for n in range(10))


@pytest.mark.parametrize(
    "body",
    [
        f'<?xml version="1.0"?><!DOCTYPE x [{BOMB}]><ListBucketResult><Prefix>&e9;</Prefix></ListBucketResult>',
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
        "<ListBucketResult><Prefix>&e;</Prefix></ListBucketResult>",
        "<html><body>please wait</body></html>",
        "<ListBucketResult><Prefix>",
        "",
        "{}",
        "\x00\x01",
        "<Error><Code>AccessDenied</Code></Error>",
    ],
)
def test_what_is_no_listing_is_refused(host, server, body):
    host.files(PREFIX)
    server.listing = lambda prefix, marker: (200, body.encode())
    with pytest.raises(ArchiveFileError) as caught:
        host.files(PREFIX)
    assert "\n" not in str(caught.value)


def test_an_endless_listing_is_refused(host, server, monkeypatch):
    monkeypatch.setattr("binance_source.archive.host.LISTING_BYTES", 10_000)
    host.files(PREFIX)
    server.listing = lambda prefix, marker: page(prefix, marker, [key(prefix, NAME)] * 1_000)
    with pytest.raises(ArchiveFileError, match="more than 10,000 bytes"):
        host.files(PREFIX)


@pytest.mark.parametrize(
    "name",
    [
        "../BTCUSDT-1m-2024-05-07.zip",
        "../../../etc/x-2024-05-07.zip",
        "sub/BTCUSDT-1m-2024-05-07.zip",
        "/BTCUSDT-1m-2024-05-07.zip",
        "..-2024-05-07.zip",
        "a\\b-2024-05-07.zip",
        "BTCUSDT 1m-2024-05-07.zip",
        "BTCUSDT-1m-2024-05-07.zip.CHECKSUM",
        "BTCUSDT-1m-2024-05-07.csv",
        "BTCUSDT-1m-2024-05-32.zip",
        "BTCUSDT-1m.zip",
        "",
    ],
)
def test_keys_that_are_no_files_of_the_folder_are_ignored(host, server, name):
    server.listing = lambda prefix, marker: page(prefix, marker, [key(prefix, name), key(prefix, NAME)])
    assert [one.name for one in host.files(PREFIX)] == [NAME]


def test_keys_of_other_folders_are_ignored(host, server):
    others = ["data/spot/daily/klines/ETHUSDT/1m/", "/", "../" * 12, "file:///tmp/"]
    server.listing = lambda prefix, marker: page(prefix, marker, [key(one, NAME) for one in others])
    assert host.files(PREFIX) == []


@pytest.mark.parametrize(
    "entry",
    [
        key(PREFIX, NAME, size="many"),
        key(PREFIX, NAME, size=""),
        key(PREFIX, NAME, size=-1),
        key(PREFIX, NAME, modified="yesterday"),
        key(PREFIX, NAME, modified=""),
        key(PREFIX, NAME).replace("<Size>18</Size>", ""),
        key(PREFIX, NAME).replace("LastModified>", "Modified>"),
        "<Contents></Contents>",
    ],
)
def test_an_entry_without_a_readable_size_or_time_is_an_error_of_the_archive(host, server, entry):
    server.listing = lambda prefix, marker: page(prefix, marker, [entry])
    with pytest.raises(ArchiveFileError):
        host.files(PREFIX)


def test_folders_are_the_symbols_and_nothing_else(host, server):
    prefix = "data/spot/daily/klines/"
    names = ["1000SATSUSDT/", "BTCUSDT/", "BTCUSDT_240628/", "../", "a/b/", "", "x y/"]
    server.listing = lambda asked, marker: page(asked, marker, [folder(prefix + name) for name in names])
    assert host.folders(prefix) == ["1000SATSUSDT", "BTCUSDT", "BTCUSDT_240628"]


def test_folders_are_listed_over_pages(host, server):
    prefix, names = "data/spot/daily/klines/", [f"A{number:04}USDT" for number in range(250)]

    def listing(asked, marker):
        left = [prefix + name + "/" for name in names if prefix + name + "/" > marker]
        return page(asked, marker, map(folder, left[:100]), len(left) > 100, left[99] if len(left) > 100 else None)

    server.listing = listing
    assert host.folders(prefix) == names


def test_an_error_that_passes_is_asked_again_and_one_that_stays_is_reported(host, server):
    good = server.listing
    answers = [(503, b"busy"), (500, b"")]
    server.listing = lambda prefix, marker: answers.pop() if answers else good(prefix, marker)
    assert len(host.files(PREFIX)) == 1
    server.listing = lambda prefix, marker: (503, b"busy")
    with pytest.raises(ArchiveFileError, match=r"HTTP 503.*3 attempts"):
        host.files(PREFIX)


def test_a_host_that_never_answered_is_unreachable(host, server):
    server.listing = lambda prefix, marker: (500, b"")
    with pytest.raises(ArchiveUnreachableError, match="--source rest"):
        host.files(PREFIX)


# Checksums


@pytest.mark.parametrize(
    "body",
    ["{sha}  {name}", "{sha}  {name}\n", "{sha} *{name}\r\n", "{sha}\t{name}", "{upper}  {name}"],
)
def test_a_checksum_is_read(host, server, body):
    text = body.format(sha=sha(CONTENT), upper=sha(CONTENT).upper(), name=NAME)
    serve_file(server, checksum=text)
    assert host.checksum(file()) == sha(CONTENT)


@pytest.mark.parametrize(
    "body",
    [
        "{sha}  BTCUSDT-1m-2024-05-08.zip",
        "{sha}  ETHUSDT-1m-2024-05-07.zip",
        "{sha}  ../{name}",
        "{sha}",
        "{short}  {name}",
        "{sha}{sha}  {name}",
        "{name}  {sha}",
        "",
        "<html>busy</html>",
        "{sha}  {name}\n{sha}  other.zip",
        "z" * 64 + "  {name}",
    ],
)
def test_a_checksum_of_another_file_or_none_is_refused(host, server, body):
    host.files(PREFIX)
    serve_file(server, checksum=body.format(sha=sha(CONTENT), short=sha(CONTENT)[:63], name=NAME))
    with pytest.raises(ArchiveFileError, match="CHECKSUM"):
        host.checksum(file())


def test_an_endless_checksum_is_refused(host, server):
    host.files(PREFIX)
    serve_file(server, checksum=f"{sha(CONTENT)}  {NAME}" + " " * 10_000)
    with pytest.raises(ArchiveFileError, match="more than 4,096 bytes"):
        host.checksum(file())


def test_a_missing_checksum_or_file_is_missing_at_once(host, server):
    for ask in (host.checksum, lambda one: host.download(one, None)):
        server.asked.clear()
        with pytest.raises(MissingFileError, match="404"):
            ask(file("BTCUSDT-1m-2024-05-09.zip"))
        assert len(server.asked) == 1


# Downloads


def test_a_download_is_hashed_and_counted(host, server, tmp_path):
    content = bytes(range(256)) * 10_000
    serve_file(server, content)
    with (tmp_path / "target").open("w+b") as target:
        target.write(b"rest of an earlier attempt" * 200_000)
        done = host.download(file(size=len(content)), target)
        target.seek(0)
        assert target.read() == content
    assert (done.size, done.sha256) == (len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("said", ["yesterday", "", "Wed, 99 May 2024 03:12:45 GMT"])
def test_an_unreadable_last_modified_does_no_harm(host, server, tmp_path, said):
    serve_file(server, headers={"Last-Modified": said})
    with (tmp_path / "target").open("w+b") as target:
        assert host.download(file(), target).size == len(CONTENT)


def test_a_body_that_is_much_larger_than_listed_is_cut_off(host, server, tmp_path):
    host.files(PREFIX)
    serve_file(server, bytes(4 * 2**20))
    with (tmp_path / "target").open("w+b") as target:
        with pytest.raises(ArchiveFileError, match="listing says 18"):
            host.download(file(), target)
        assert target.seek(0, 2) <= 2 * 2**20


def test_a_connection_that_breaks_off_is_asked_again(host, server, tmp_path):
    broken = (200, CONTENT[:5], {"Content-Length": str(len(CONTENT))})
    server.answers[f"/{PREFIX}{NAME}"] = [broken, broken, (200, CONTENT)]
    with (tmp_path / "target").open("w+b") as target:
        assert host.download(file(), target).sha256 == sha(CONTENT)
        target.seek(0)
        assert target.read() == CONTENT


def test_a_stop_ends_downloads_and_waits(host, server, stop, tmp_path):
    serve_file(server)
    stop.set()
    with (tmp_path / "target").open("w+b") as target, pytest.raises(StoppedError):
        host.download(file(), target)
    assert server.asked == []


# Files as their checksums promise them


@pytest.fixture(params=[False, True], ids=["not kept", "kept"])
def keep(request, tmp_path):
    return tmp_path / "archives" if request.param else None


def fetched(host, keep, stop, one=None):
    with Downloads(host, keep, stop, 0.001).verified(one or file()) as verified:
        return verified.content.read(), verified.size, verified.sha256, verified.downloaded


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_given_whole_with_what_was_promised(host, server, keep, stop):
    serve_file(server)
    assert fetched(host, keep, stop) == (CONTENT, len(CONTENT), sha(CONTENT), True)
    if keep:
        assert files_in(keep) == [PREFIX + NAME]


def test_a_file_that_goes_on_differing_from_its_checksum_is_never_given(host, server, keep, stop):
    host.files(PREFIX)
    serve_file(server, checksum=f"{sha(b'other')}  {NAME}")
    with pytest.raises(ArchiveFileError, match=rf"{sha(CONTENT)}.*{sha(b'other')} \(3 attempts\)"):
        fetched(host, keep, stop)
    assert [path.endswith("CHECKSUM") for path, _ in server.asked[1:]] == [True, False] * 3
    assert not keep or files_in(keep) == []


def test_file_and_checksum_are_both_fetched_again(host, server, keep, stop):
    """Published again between the two requests: old checksum and new file, then both new."""
    serve_file(server)
    path = f"/{PREFIX}{NAME}.CHECKSUM"
    server.answers[path] = [(200, f"{sha(b'old')}  {NAME}".encode()), server.answers[path]]
    assert fetched(host, keep, stop)[0] == CONTENT


def test_a_damaged_download_is_fetched_again(host, server, keep, stop):
    serve_file(server)
    damaged = [(200, CONTENT[:-1]), (200, CONTENT.replace(b"zip", b"zap"))]
    server.answers[f"/{PREFIX}{NAME}"] = [*damaged, (200, CONTENT)]
    assert fetched(host, keep, stop) == (CONTENT, len(CONTENT), sha(CONTENT), True)
    assert not keep or files_in(keep) == [PREFIX + NAME]


def test_a_kept_file_is_not_downloaded_again_as_long_as_its_checksum_stays(host, server, tmp_path, stop):
    serve_file(server)
    fetched(host, tmp_path, stop)
    server.asked.clear()
    assert fetched(host, tmp_path, stop) == (CONTENT, len(CONTENT), sha(CONTENT), False)
    assert [path for path, _ in server.asked] == [f"/{PREFIX}{NAME}.CHECKSUM"]
    serve_file(server, b"published again")
    assert fetched(host, tmp_path, stop)[0] == b"published again"
    assert (tmp_path / PREFIX / NAME).read_bytes() == b"published again"
    assert files_in(tmp_path) == [PREFIX + NAME]


def test_a_kept_file_that_was_damaged_is_fetched_again(host, server, tmp_path, stop):
    serve_file(server)
    fetched(host, tmp_path, stop)
    (tmp_path / PREFIX / NAME).write_bytes(CONTENT[:3])
    assert fetched(host, tmp_path, stop) == (CONTENT, len(CONTENT), sha(CONTENT), True)
    assert (tmp_path / PREFIX / NAME).read_bytes() == CONTENT


def test_an_error_of_the_reader_leaves_no_part_behind(host, server, keep, stop):
    serve_file(server)
    with (
        pytest.raises(RuntimeError, match="reader"),
        Downloads(host, keep, stop, 0.001).verified(file()),
    ):
        raise RuntimeError("the reader failed")
    assert not keep or files_in(keep) == [PREFIX + NAME]


def test_recorded_files_agree_with_their_recorded_checksums(host, server, stop, recordings):
    """Binance's own CHECKSUM files, and the content against the standard library's reading of the zip."""
    folder = recordings / "klines_1m/vision_spot_daily_with_checksum"
    names = sorted(path.name for path in folder.glob("*.zip"))
    assert len(names) == 3
    for name in names:
        whole = (folder / name).read_bytes()
        serve_file(server, whole, (folder / f"{name}.CHECKSUM").read_text(), name)
        with Downloads(host, None, stop, 0.001).verified(file(name, len(whole))) as verified:
            assert verified.sha256 == (folder / f"{name}.CHECKSUM").read_text()[:64]
            member = name.replace(".zip", ".csv")
            with (
                open_member(verified.content, verified.size, member) as stream,
                zipfile.ZipFile(folder / name) as zipped,
            ):
                content = stream.read()
                assert content == zipped.read(member)
        assert content.count(b"\n") == 1_440
