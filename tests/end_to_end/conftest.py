from tests.sweep.conftest import ray_session, store, template

__all__ = ["ray_session", "store", "template"]
