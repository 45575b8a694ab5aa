"""The recorded files of the archive, served under their keys, against the files themselves."""

import csv
import hashlib
import io
import zipfile

import pytest

DAILY, MONTHLY = "data/spot/daily/klines", "data/spot/monthly/klines"


@pytest.fixture(scope="module")
def recorded(start_for_module, archive_of, recordings):
    return archive_of(start_for_module(recordings=recordings))


def test_recorded_zips_are_served_to_the_byte(recorded, recordings):
    for interval, symbol in (
        ("1m", "BTCUSDT"),
        ("1m", "ETHUSDT"),
        ("15m", "ETHUSDT"),
        ("1h", "BTCUSDT"),
        ("1d", "ETHUSDT"),
    ):
        files = {
            path.name: path for path in (recordings / f"klines_{interval}/vision_spot_daily/{symbol}").glob("*.zip")
        }
        names = [name for name in recorded.zips(f"{DAILY}/{symbol}/{interval}/") if name in files]
        assert names == sorted(files)
        for name in (names[0], names[-1]):
            key = f"{DAILY}/{symbol}/{interval}/{name}"
            recorded.zip(key)
            assert recorded.get(key).content == files[name].read_bytes()


def test_recorded_checksums_are_served_as_they_are(recorded, recordings):
    folder = recordings / "klines_1m/vision_spot_daily_with_checksum"
    for path in sorted(folder.glob("*.zip")):
        key = f"{DAILY}/BTCUSDT/1m/{path.name}"
        written = (folder / f"{path.name}.CHECKSUM").read_bytes()
        assert recorded.get(f"{key}.CHECKSUM").content == written
        assert written.decode().split() == [hashlib.sha256(recorded.get(key).content).hexdigest(), path.name]
    assert len([name for name in recorded.zips(f"{DAILY}/BTCUSDT/1m/") if "-2020-01-" in name]) == 3


@pytest.mark.parametrize("folder", ["vision_spot_monthly", "vision_spot_monthly_ms_to_us"])
def test_recorded_months_are_zipped_with_their_bytes(recorded, recordings, folder):
    paths = sorted((recordings / "klines_1h" / folder).glob("*.csv"))
    assert len(paths) >= 2
    for path in paths:
        members = recorded.zip(f"{MONTHLY}/BTCUSDT/1h/{path.stem}.zip")
        assert members == {path.name: path.read_text(encoding="utf-8")}


def test_the_recorded_months_switch_to_microseconds(recorded):
    last = recorded.lines(f"{MONTHLY}/BTCUSDT/1h/BTCUSDT-1h-2024-12.zip")[-1]
    first = recorded.lines(f"{MONTHLY}/BTCUSDT/1h/BTCUSDT-1h-2025-01.zip")[0]
    assert (last[6], first[0]) == ("1735689599999", "1735689600000000")


def test_the_folders_are_those_recorded(recorded):
    assert recorded.folders("data/spot/") == ["daily", "monthly"]
    assert recorded.folders("data/spot/daily/") == ["klines"]
    assert recorded.folders(f"{DAILY}/") == ["BTCUSDT", "ETHUSDT"]
    assert recorded.folders(f"{DAILY}/ETHUSDT/") == ["15m", "1d", "1h", "1m"]
    assert recorded.folders(f"{MONTHLY}/") == ["BTCUSDT"]
    assert recorded.get(f"{DAILY}/BTCUSDT/1m/BTCUSDT-1m-2019-01-01.zip").status_code == 404


def test_faults_spoil_recorded_files_too(recorded):
    key = f"{DAILY}/BTCUSDT/1m/BTCUSDT-1m-2023-03-24.zip"
    lines = recorded.lines(key)
    assert len(lines) == 1440 - 80
    recorded.simulator.add_archive_fault("duplicate_rows", path=key, every=1)
    assert recorded.lines(key) == [line for line in lines for _ in range(2)]
    month = f"{MONTHLY}/BTCUSDT/1h/BTCUSDT-1h-2023-03.zip"
    with_header = recorded.lines(month)
    recorded.simulator.add_archive_fault("bad_number", path=month, row=0, column=0, text="?")
    assert recorded.lines(month) == [with_header[0], ["?", *with_header[1][1:]], *with_header[2:]]
    recorded.simulator.clear_archive_faults()


def test_a_folder_goes_before_the_recordings(start, archive_of, recordings, tmp_path):
    path = tmp_path / f"{DAILY}/XUSDT/1m/XUSDT-1m-2025-01-01.zip"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("XUSDT-1m-2025-01-01.csv", "1,2\n3,4\n")
    client = start(recordings=recordings, archive_folder=tmp_path)
    served = archive_of(client)
    assert served.folders(f"{DAILY}/") == ["XUSDT"]
    with zipfile.ZipFile(io.BytesIO(served.get(f"{DAILY}/XUSDT/1m/{path.name}").content)) as archive:
        assert list(csv.reader(io.StringIO(archive.read(archive.namelist()[0]).decode()))) == [["1", "2"], ["3", "4"]]
    assert len(client.get("klines", symbol="BTCUSDT", interval="1m")) == 500
