import pytest

from harness.errors import UserError
from harness.spec import sizes
from harness.sweep.cluster import _fitting, _knock


def _room(nodes: list[dict[str, float]], cpu: float, gpu: float) -> int:
    size = sizes.Size(cpu, gpu)
    sizes.refuse(size, nodes)
    return _fitting(nodes, size)


def test_fractional_shares_fill_every_node():
    nodes = [{"CPU": 8.0, "GPU": 1.0}, {"CPU": 2.0, "GPU": 2.0}, {"CPU": 16.0}]
    assert _room(nodes, 1.0, 0.25) == 4 + 2
    assert _room(nodes, 0.5, 0.0) == 16 + 4 + 32
    assert _room([{"CPU": 3.0}], 0.1, 0.0) == 30


def test_a_share_that_does_not_divide_a_gpu_is_not_split_over_two():
    assert _room([{"CPU": 8.0, "GPU": 2.0}], 1.0, 0.4) == 4


@pytest.mark.parametrize(("cpu", "gpu", "key"), [(1.0, 3.0, "resources.gpu"), (9.0, 0.0, "resources.cpu")])
def test_what_no_single_node_can_hold_is_refused(cpu, gpu, key):
    with pytest.raises(UserError) as caught:
        _room([{"CPU": 8.0, "GPU": 2.0}, {"CPU": 8.0, "GPU": 2.0}], cpu, gpu)
    assert caught.value.key == key


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nonsense"])
def test_an_address_where_no_cluster_is_is_a_users_error_at_once(address, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())  # grpcio is of an extra, here or not
    with pytest.raises(UserError, match=r"no Ray cluster answers|no address of a Ray cluster"):
        _knock(address)


def test_without_what_rays_client_needs_the_extra_that_has_it_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs grpcio: pip install 'repose-harness\[cluster\]'"):
        _knock("ray://127.0.0.1:1")
