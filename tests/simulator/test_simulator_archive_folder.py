"""An archive served from a folder: files, CHECKSUMs, and the raw XML of the listing."""

import hashlib
import os
import subprocess
import sys
import zipfile
from datetime import datetime, timezone
from xml.etree import ElementTree as Xml

import pytest
import requests

S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"
DAILY = "data/spot/daily/klines"
MODIFIED = datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
NAME = "币安人生USDT"


def write_zip(path, text=b"1,2\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{path.stem}.csv", text)
    os.utime(path, (MODIFIED.timestamp(), MODIFIED.timestamp()))


def key_of(symbol, day):
    return f"{DAILY}/{symbol}/1m/{symbol}-1m-2024-01-{day:02d}.zip"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two symbols, one of them not in ASCII, a large file, and a CHECKSUM that does not fit its zip."""
    root = tmp_path_factory.mktemp("archive")
    for day in range(1, 6):
        write_zip(root / key_of("BTCUSDT", day), b"%d\n" % day)
    write_zip(root / key_of(NAME, 1))
    write_zip(root / "data/spot/monthly/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-01.zip", os.urandom(3_000_000))
    (root / (key_of("BTCUSDT", 5) + ".CHECKSUM")).write_bytes(b"0000  as it was written\n")
    (root / DAILY / "EMPTYUSDT" / "1m").mkdir(parents=True)
    (root / DAILY / "BTCUSDT" / "1m" / "notes.txt").write_text("no zip")
    (root / "secret.zip").write_text("outside of data/")
    return root


@pytest.fixture(scope="module")
def served(start_for_module, folder):
    return start_for_module(market="tests", archive_folder=folder)


def listed(served, **query):
    answer = served.session.get(served.simulator.archive_listing_url, params=query, timeout=30)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/xml")
    return Xml.fromstring(answer.content)


def texts(page, path):
    return [element.text for element in page.findall("/".join(S3 + part for part in path.split("/")))]


def download(served, key, method="GET", **headers):
    return served.session.request(method, f"{served.simulator.archive_url}/{key}", headers=headers, timeout=30)


def test_zips_are_served_as_they_are(served, folder):
    for key in (
        key_of("BTCUSDT", 3),
        key_of(NAME, 1),
        "data/spot/monthly/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-01.zip",
    ):
        answer = download(served, key)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
        assert answer.content == (folder / key).read_bytes()
        assert int(answer.headers["Content-Length"]) == len(answer.content)
        assert answer.headers["Last-Modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
        assert "X-MBX-USED-WEIGHT" not in answer.headers
        headers_only = download(served, key, "HEAD")
        assert (headers_only.content, headers_only.headers["Content-Length"]) == (b"", str(len(answer.content)))
        assert headers_only.headers["ETag"] == answer.headers["ETag"]


def test_checksums_are_made_where_there_is_none(served, folder):
    key = key_of("BTCUSDT", 2)
    expected = hashlib.sha256((folder / key).read_bytes()).hexdigest()
    assert download(served, f"{key}.CHECKSUM").content == f"{expected}  BTCUSDT-1m-2024-01-02.zip".encode()
    assert download(served, f"{key_of('BTCUSDT', 5)}.CHECKSUM").content == b"0000  as it was written\n"


@pytest.mark.parametrize(
    "key",
    [
        key_of("BTCUSDT", 9),
        f"{key_of('BTCUSDT', 9)}.CHECKSUM",
        f"{DAILY}/BTCUSDT/1m/notes.txt",
        f"{DAILY}/",
        "data/%2e%2e/secret.zip",
        "data/spot/%2e%2e/%2e%2e/secret.zip",
        "data//secret.zip",
    ],
)
def test_other_keys_are_a_404_in_xml(served, key):
    answer = download(served, key)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/xml")
    error = Xml.fromstring(answer.content)
    assert (error.tag, error.findtext("Code")) == ("Error", "NoSuchKey")


def test_the_listing_says_what_the_files_are(served, folder):
    page = listed(served, delimiter="/", prefix=f"{DAILY}/BTCUSDT/1m/")
    keys = [key for day in range(1, 6) for key in (key_of("BTCUSDT", day), key_of("BTCUSDT", day) + ".CHECKSUM")]
    assert page.tag == f"{S3}ListBucketResult"
    assert texts(page, "Contents/Key") == keys
    assert texts(page, "IsTruncated") == ["false"]
    assert not texts(page, "NextMarker")
    assert set(texts(page, "Contents/LastModified")) == {"2023-11-14T22:13:20.000Z"}
    for element in page.findall(f"{S3}Contents"):
        key = element.findtext(f"{S3}Key")
        answer = download(served, key)
        assert int(element.findtext(f"{S3}Size")) == len(answer.content)
        assert element.findtext(f"{S3}ETag") == answer.headers["ETag"]
        assert element.findtext(f"{S3}StorageClass") == "STANDARD"
    assert int(texts(page, "Contents/Size")[0]) == (folder / keys[0]).stat().st_size


def test_folders_are_common_prefixes_in_the_order_of_their_bytes(served):
    assert texts(listed(served, delimiter="/"), "CommonPrefixes/Prefix") == ["data/"]
    page = listed(served, delimiter="/", prefix=f"{DAILY}/")
    assert texts(page, "CommonPrefixes/Prefix") == [f"{DAILY}/BTCUSDT/", f"{DAILY}/{NAME}/"]
    assert not texts(page, "Contents/Key")
    # A prefix need not end with a slash.
    assert texts(listed(served, delimiter="/", prefix=f"{DAILY}/BT"), "CommonPrefixes/Prefix") == [f"{DAILY}/BTCUSDT/"]
    assert texts(listed(served, delimiter="/", prefix=DAILY), "CommonPrefixes/Prefix") == [f"{DAILY}/"]
    assert texts(listed(served, delimiter="/", prefix=key_of("BTCUSDT", 4)), "Contents/Key") == [
        key_of("BTCUSDT", 4),
        key_of("BTCUSDT", 4) + ".CHECKSUM",
    ]
    only_checksum = key_of("BTCUSDT", 4) + ".CHECKSUM"
    assert texts(listed(served, delimiter="/", prefix=only_checksum), "Contents/Key") == [only_checksum]
    assert not list(listed(served, delimiter="/", prefix="data/futures/").iter(f"{S3}Key"))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_pages_join_to_the_whole(served, size):
    found, marker = [], ""
    while True:
        page = listed(served, delimiter="/", prefix=f"{DAILY}/BTCUSDT/1m/", marker=marker, **{"max-keys": size})
        keys = texts(page, "Contents/Key")
        assert len(keys) <= size
        found += keys
        if texts(page, "IsTruncated") == ["false"]:
            break
        assert texts(page, "NextMarker") == [keys[-1]]
        marker = keys[-1]
    assert found == texts(listed(served, delimiter="/", prefix=f"{DAILY}/BTCUSDT/1m/"), "Contents/Key")
    assert len(found) == 10


def test_without_a_delimiter_everything_is_listed_and_the_last_key_is_the_next_marker(served):
    whole = texts(listed(served), "Contents/Key")
    assert whole == sorted(whole, key=str.encode)
    assert len(whole) == 14
    found, marker = [], ""
    while True:
        page = listed(served, marker=marker, **{"max-keys": 3})
        assert not texts(page, "NextMarker")
        found += texts(page, "Contents/Key")
        marker = found[-1]
        if texts(page, "IsTruncated") == ["false"]:
            break
    assert found == whole


def test_a_marker_is_any_text_and_itself_not_listed(served):
    def after(marker, **query):
        return texts(listed(served, prefix=f"{DAILY}/BTCUSDT/1m/", marker=marker, **query), "Contents/Key")

    assert after(key_of("BTCUSDT", 5)) == [key_of("BTCUSDT", 5) + ".CHECKSUM"]
    assert after(f"{DAILY}/BTCUSDT/1m/BTCUSDT-1m-2024-01-05") == [
        key_of("BTCUSDT", 5),
        key_of("BTCUSDT", 5) + ".CHECKSUM",
    ]
    assert after(f"{DAILY}/BTCUSDT/1m/BTCUSDT-1m-2024-01-05.zip.A") == [key_of("BTCUSDT", 5) + ".CHECKSUM"]
    assert after("data/zzz") == []
    assert len(after("data/aaa")) == 10
    page = listed(served, delimiter="/", prefix=f"{DAILY}/", marker=f"{DAILY}/BTCUSDT/")
    assert texts(page, "CommonPrefixes/Prefix") == [f"{DAILY}/{NAME}/"]


def test_no_page_has_more_than_1000_entries(start, tmp_path):
    for index in range(501):
        write_zip(tmp_path / f"data/spot/daily/trades/AUSDT/AUSDT-trades-{index:04d}.zip")
    client = start(market="tests", archive_folder=tmp_path)
    page = listed(client, delimiter="/", prefix="data/spot/daily/trades/AUSDT/", **{"max-keys": 5000})
    assert (len(texts(page, "Contents/Key")), texts(page, "MaxKeys")) == (1000, ["1000"])
    assert texts(page, "NextMarker") == ["data/spot/daily/trades/AUSDT/AUSDT-trades-0499.zip.CHECKSUM"]


@pytest.mark.parametrize("query", [{"max-keys": "many"}, {"delimiter": "-"}, {"list-type": "2"}])
def test_a_listing_that_makes_no_sense_is_a_400_in_xml(served, query):
    answer = served.session.get(served.simulator.archive_listing_url, params=query, timeout=30)
    assert answer.status_code == 400
    assert Xml.fromstring(answer.content).findtext("Code") == "InvalidArgument"


def test_the_archive_costs_no_weight_and_is_counted_by_path(served):
    served.simulator.reset_stats()
    for _ in range(3):
        download(served, key_of("BTCUSDT", 1))
    download(served, key_of(NAME, 1))
    listed(served, prefix=DAILY)
    stats = served.simulator.stats()
    assert stats["requests_by_path"] == {f"/{key_of('BTCUSDT', 1)}": 3, f"/{key_of(NAME, 1)}": 1, "/s3": 1}
    assert stats["weight"] == 0


def test_who_is_told_to_wait_may_go_on_with_the_archive(start, folder):
    client = start(market="tests", archive_folder=folder, weight_limit=1, clock="2025-02-01T00:00:05")
    client.ask("ping")
    assert client.ask("ping").status_code == 429
    assert download(client, key_of("BTCUSDT", 1)).status_code == 200
    assert client.simulator.stats()["requests_while_told_to_wait"] == 0


def test_faults_of_the_api_strike_archive_paths_too(served, folder):
    simulator = served.simulator
    key = key_of("BTCUSDT", 1)
    simulator.add_fault("http_503_html", path="/data/spot", count=2)
    assert [download(served, key).status_code for _ in range(3)] == [503, 503, 200]
    simulator.add_fault("reset", path="*.zip.CHECKSUM")
    assert download(served, key).status_code == 200
    with pytest.raises(requests.ConnectionError):
        download(served, f"{key}.CHECKSUM")
    simulator.add_fault("html_200", path="/s3")
    listing = served.session.get(simulator.archive_listing_url, timeout=30)
    assert listing.headers["Content-Type"] == "text/html"
    for kind in ("slow_body", "short_page", "clock_skew", "duplicate_page", "missing_weight_header"):
        simulator.add_fault(kind, path="/data", seconds=0.1)
        assert download(served, key).content == (folder / key).read_bytes()
    simulator.add_fault("truncated_json", path="/data")
    whole = (folder / key).read_bytes()
    assert download(served, key).content == whole[: len(whole) // 2]


def test_a_folder_that_is_no_archive_is_refused_in_one_line(tmp_path):
    command = [sys.executable, "-m", "exchange_simulator", "--port", "0", "--archive-folder", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr == f"exchange_simulator: {tmp_path} holds no folder data as the archive's keys begin with\n"
