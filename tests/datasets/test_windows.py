"""Windows: which frames they read and which answers count."""

import pytest
import torch

from harness.data.windows import every_window, tiling


def layout(*lengths):
    length = torch.tensor(lengths)
    return length.cumsum(0) - length, length


@pytest.mark.parametrize(("window", "frames_out"), [(9, 9), (9, 1), (9, 4), (27, 27)])
def test_tiling_answers_each_frame_exactly_once(window, frames_out):
    offset, length = layout(9, 10, 31, 58, 5)
    windows, counted = tiling(offset, length, window, frames_out, (window - frames_out) // 2)
    _, rows, valid = windows.outputs(torch.arange(len(windows)))
    hits = torch.bincount(rows[counted], minlength=int(length.sum()))
    assert hits.eq(1).all()
    assert valid[counted].all()


def test_last_window_is_shifted_back_not_padded():
    offset, length = layout(20)
    windows, counted = tiling(offset, length, 9, 9, 0)
    assert windows.start.tolist() == [0, 9, 11]
    assert counted[2].tolist() == [False] * 7 + [True] * 2
    assert windows.outputs(torch.tensor([2]))[2].all()


def test_clip_shorter_than_the_window_is_padded_and_invalid():
    offset, length = layout(4)
    windows, counted = tiling(offset, length, 6, 6, 0)
    frames, rows, valid = windows.outputs(torch.tensor([0]))
    assert frames[0].tolist() == [0, 1, 2, 3, 3, 3]
    assert valid[0].tolist() == [True] * 4 + [False] * 2
    assert counted[0].tolist() == valid[0].tolist()
    assert rows.max() < 4


def test_centre_frames_read_their_surroundings_within_the_view():
    offset, length = layout(10, 10)
    windows = every_window(offset, length, 5, 1, 2)
    assert len(windows) == 20
    frames, rows = windows.inputs(torch.tensor([10, 15, 19]))
    assert frames.tolist() == [[0, 0, 0, 1, 2], [3, 4, 5, 6, 7], [7, 8, 9, 9, 9]]
    assert rows.min() >= 10  # never the neighbouring view


def test_every_window_lists_each_start_once():
    offset, length = layout(10, 3, 7)
    windows = every_window(offset, length, 5, 5, 0)
    assert torch.bincount(windows.view).tolist() == [6, 1, 3]
    assert windows.start.tolist() == [*range(6), 0, *range(3)]
