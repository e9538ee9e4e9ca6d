import pytest

from obcat.lock import Locked, locked


def test_one_at_a_time(tmp_path):
    with locked(tmp_path / "build"):
        with pytest.raises(Locked, match="another obcat is at work"), locked(tmp_path / "build"):
            pass
        with locked(tmp_path / "other"):
            pass
    with locked(tmp_path / "build"):
        pass
