"""What every test shares: nothing is kept in the user's own cache folder; data of the paper-scale specs, made once."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patched.delenv("REPOSE_CACHE", raising=False)
        yield


@pytest.fixture(scope="session")
def imported_data(tmp_path_factory) -> Path:
    """A folder for REPOSE_DATA with the imported files that the paper-scale specs ask for, of made-up poses."""
    from tests.datasets import paper_scale_files

    folder = tmp_path_factory.mktemp("imported")
    paper_scale_files.human36m(folder)
    paper_scale_files.mpi3dhp(folder)
    return folder
