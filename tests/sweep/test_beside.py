"""Work done beside the caller's."""

import threading

import pytest

from harness.errors import UserError
from harness.sweep.beside import Beside


def test_it_is_done_meanwhile_and_its_result_waited_for():
    let = threading.Event()
    one = Beside(lambda: let.wait(5) and threading.current_thread().name)
    let.set()  # reached: the caller wasn't held up
    assert one.result() == "beside" and one.result() == "beside"


def test_what_fails_there_is_raised_where_it_is_asked_for():
    def fail() -> None:
        raise UserError("the folder can't be written")

    with pytest.raises(UserError, match="can't be written"):
        Beside(fail).result()
