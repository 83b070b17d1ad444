"""MLflow's own records of runs, as a filter of its finds them: from a server many at a time, by its REST API.

A server takes a millisecond and a half for each record, as it makes objects of all its tags, parameters and metrics,
and MLflow's client half as long again, as it makes them anew. So a server is asked several things at once, which its
processes share, and its JSON is read as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.tracking import tags
from harness.tracking.patience import again
from harness.tracking.store import client

if TYPE_CHECKING:
    from mlflow import MlflowClient

AT_ONCE = 4
"""Requests at a time: as many processes as `mlflow server` has by default."""
PAGE = 1000
"""Records of one answer: a second or two of a server's time, far from the minute it is given."""
_ENDPOINT = "/api/2.0/mlflow/runs/search"
_ORDER = "attributes.start_time ASC"


@dataclass(frozen=True)
class Listed:
    """What a list needs of one record: MLflow's attributes of it (times in milliseconds), and its tags."""

    info: Mapping[str, Any]
    tags: Mapping[str, str]


def listed(uri: str, filters: Sequence[str]) -> list[Listed]:
    """Active records that carry a run_id and that any of these filters finds, each once; oldest first.

    Args:
        uri: the store, resolved; not a file that `sql` reads.
        filters: in MLflow's language; an empty one finds all.
    """
    mlflow = client(uri)
    experiments = [e.experiment_id for e in pages(mlflow.search_experiments, max_results=1000)]
    asked = [_filter(one) for one in filters]
    server = _server(mlflow)
    if server is not None:
        found = _from_server(server, experiments, asked) if experiments else []
    else:
        query = {"experiment_ids": experiments, "max_results": PAGE, "order_by": [_ORDER]}
        runs = (run for one in asked for run in pages(mlflow.search_runs, filter_string=one, **query))
        found = [Listed(dict(run.info), run.data.tags) for run in runs]
    # One may stand on two pages, where another was added before it between them.
    once = {one.info["run_id"]: one for one in found}
    return sorted(once.values(), key=lambda one: one.info["start_time"])


def entities(uri: str, query: str) -> list[Any]:
    """MLflow's own objects of the active records that carry a run_id and that a filter finds, oldest first."""
    mlflow = client(uri)
    return pages(
        mlflow.search_runs,
        experiment_ids=[e.experiment_id for e in pages(mlflow.search_experiments, max_results=1000)],
        filter_string=_filter(query),
        max_results=PAGE,
        order_by=[_ORDER],
    )


def pages(search: Any, **query: Any) -> list[Any]:
    """All that a search of MLflow's client finds."""
    page = again(lambda: search(**query))
    found = list(page)
    while page.token:
        page = again(partial(search, **query, page_token=page.token))
        found += page
    return found


def parts(run_ids: Iterable[str]) -> list[str]:
    """Filters that find all records of these runs, and others, none of them twice: by the first character."""
    first = {run_id[:1] for run_id in run_ids}
    if not all(one.isalnum() for one in first):
        return [""]
    return [f"tags.`{tags.RUN_ID}` LIKE '{one}%'" for one in sorted(first)]


def _filter(query: str) -> str:
    """A filter that finds records with a run_id only."""
    carries = f"tags.`{tags.RUN_ID}`"
    return query if carries in query else " AND ".join(part for part in (query, f"{carries} LIKE '%'") if part)


def _server(mlflow: MlflowClient) -> Callable[[], Any] | None:
    """Where MLflow's client finds its server and how it proves who it is; None where it needs none, or a plug-in's."""
    from mlflow.store.tracking.rest_store import RestStore

    store = mlflow._tracking_client.store
    return store.get_host_creds if type(store) is RestStore else None


def _from_server(server: Callable[[], Any], experiments: Sequence[str], filters: Sequence[str]) -> list[Listed]:
    query = {"experiment_ids": experiments, "max_results": PAGE, "order_by": [_ORDER]}
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="listing")
    try:
        answers = [pool.submit(copy_context().run, _all_pages, server, {**query, "filter": one}) for one in filters]
        return [one for answer in answers for one in answer.result()]
    finally:
        pool.shutdown(cancel_futures=True)


def _all_pages(server: Callable[[], Any], body: Mapping[str, Any]) -> list[Listed]:
    page = again(lambda: _page(server, body))
    found = [_of_json(run) for run in page.get("runs", [])]
    while page.get("next_page_token"):
        page = again(partial(_page, server, {**body, "page_token": page["next_page_token"]}))
        found += [_of_json(run) for run in page.get("runs", [])]
    return found


def _page(server: Callable[[], Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """One answer; asked for as MLflow's client does: its tokens, certificates, proxies, plug-ins and errors."""
    from mlflow.utils.rest_utils import http_request, verify_rest_response

    response = http_request(server(), _ENDPOINT, "POST", json=body)
    if response.status_code == 200:
        try:
            return dict(json.loads(response.content))
        except (ValueError, TypeError):
            pass  # the next line says so, as for MLflow's client
    return dict(verify_rest_response(response, _ENDPOINT).json())


def _of_json(run: Mapping[str, Any]) -> Listed:
    info = dict(run["info"])
    # Whole numbers of 64 bits are text in the JSON of protocol buffers; MLflow's servers send numbers.
    info["start_time"], info["end_time"] = int(info.get("start_time") or 0), int(info.get("end_time") or 0) or None
    return Listed(info, {tag["key"]: tag.get("value", "") for tag in run.get("data", {}).get("tags", [])})
