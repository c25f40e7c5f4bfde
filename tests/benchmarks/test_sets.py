"""Named sets of photos: the files that were measured, or a message."""

import hashlib

import pytest

from benchmarks.sets import SETS, PhotoSet


def test_a_set_is_found_below_a_folder_and_its_files_are_checked(tmp_path):
    names = ["b.jpg", "a.jpg"]
    chosen = PhotoSet("example.org", {name: hashlib.sha256(name.encode()).hexdigest() for name in names})
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "b.jpg").write_bytes(b"b.jpg")
    with pytest.raises(ValueError, match=r"lacks 1 photos, a\.jpg first: get them from example\.org"):
        chosen.find(tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"a.jpg")
    assert [path.name for path in chosen.find(tmp_path)] == names
    (tmp_path / "a.jpg").write_bytes(b"another")
    with pytest.raises(ValueError, match=r"a\.jpg is not the file that was measured"):
        chosen.find(tmp_path)


def test_the_set_of_bsds_has_24_different_photos():
    files = SETS["bsds24"].files
    assert len(files) == len(set(files.values())) == 24
