import errno
import fcntl
import os

import pytest

from obcat.machine import Locked, locked


def test_one_at_a_time(tmp_path):
    with locked(tmp_path / "build"):
        with (
            pytest.raises(Locked, match="another obcat command is using this folder"),
            locked(tmp_path / "build"),
        ):
            pass
        with locked(tmp_path / "other"):
            pass
    with locked(tmp_path / "build"):
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_where_there_are_no_locks_the_work_goes_on(number, tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with locked(tmp_path / "build"):
        assert (tmp_path / "build" / ".lock").is_file()


def test_another_error_of_the_lock_is_one_line(tmp_path, monkeypatch):
    def broken(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "flock", broken)
    with pytest.raises(Locked, match=r"cannot be locked \(Input/output error\)$"), locked(tmp_path):
        pass


def test_a_lock_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / ".lock").symlink_to(tmp_path / "precious")
    with pytest.raises(Locked, match="give a folder of builds"), locked(tmp_path):
        pass
    assert not (tmp_path / "precious").exists()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("x")
    folder = tmp_path / "file" / "build"
    with pytest.raises(Locked, match=r"file/build: Not a directory; give a folder"), locked(folder):
        pass


def test_a_lock_that_is_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / ".lock")
    with pytest.raises(Locked, match="give a folder of builds"), locked(tmp_path):
        pass
