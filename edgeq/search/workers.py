"""Recipes evaluated one after the other, in several processes, or on a Dask cluster: the same outcomes in all ways."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Protocol

from edgeq import __version__
from edgeq.errors import EdgeqError
from edgeq.search.evaluating import Outcome, Setup, evaluate, evaluate_packed

#: Seconds that a Dask scheduler has for an answer.
_TIMEOUT = 10


class Workers(Protocol):
    """Evaluates recipes; outcomes come in the order of the recipes."""

    def outcomes(self, recipes: Iterable[str]) -> Iterator[Outcome]: ...


class _Here:
    def __init__(self, setup: Setup):
        self._setup = setup

    def outcomes(self, recipes: Iterable[str]) -> Iterator[Outcome]:
        return (evaluate(self._setup, recipe) for recipe in recipes)


# What a process of the pool was started with: sent once, not with every recipe.
_received: bytes = b""


def _receive(packed: bytes) -> None:
    global _received
    _received = packed


def _evaluate_received(recipe: str) -> Outcome:
    return evaluate_packed(recipe, _received)


class _Processes:
    def __init__(self, pool: ProcessPoolExecutor):
        self._pool = pool

    def outcomes(self, recipes: Iterable[str]) -> Iterator[Outcome]:
        try:
            # submitted at once: the first outcomes are used while the last are computed
            futures: list[Future[Outcome]] = [self._pool.submit(_evaluate_received, recipe) for recipe in recipes]
            for future in futures:
                yield future.result()
        except BrokenProcessPool:
            raise EdgeqError(
                "a process that evaluates candidates has ended without a result",
                hint="is there memory for so many? give fewer --jobs",
            ) from None


class _Cluster:
    def __init__(self, client: Any, packed: Any):
        self._client, self._packed = client, packed

    def outcomes(self, recipes: Iterable[str]) -> Iterator[Outcome]:
        # pure: a recipe that was evaluated once is not evaluated again while its outcome is held
        futures = self._client.map(evaluate_packed, list(recipes), packed=self._packed)
        return (future.result() for future in futures)


@contextmanager
def open_workers(setup: Setup, jobs: int = 1, dask: str | None = None) -> Iterator[Workers]:
    """Workers for a search.

    Args:
        jobs: processes on this machine; with 1, none but this one.
        dask: the address of a Dask scheduler, "tcp://host:port", whose workers evaluate instead.

    Raises:
        EdgeqError: Dask is not installed, the scheduler does not answer, or its workers have another edgeq.
    """
    if dask is not None:
        with _client(dask) as client:
            yield _Cluster(client, client.scatter(setup.packed(), broadcast=True))
    elif jobs == 1:
        yield _Here(setup)
    else:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(jobs, spawn, initializer=_receive, initargs=(setup.packed(),)) as pool:
            try:
                yield _Processes(pool)
            finally:
                pool.shutdown(cancel_futures=True)


@contextmanager
def _client(address: str) -> Iterator[Any]:
    try:
        from dask.distributed import Client
    except ImportError:
        raise EdgeqError("Dask is not installed", hint="pip install 'edgeq[dask]'") from None
    try:
        client = Client(address, timeout=_TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise EdgeqError(
            f"no Dask scheduler answers: {error}", where=address, hint="give its address as tcp://host:port"
        ) from None
    with client:
        versions = client.run(_version)
        if not versions:
            raise EdgeqError("the Dask cluster has no workers", where=address)
        others = sorted({version for version in versions.values() if version != __version__})
        if others:
            raise EdgeqError(
                f"workers of the Dask cluster have edgeq {', '.join(others)}, this is {__version__}", where=address
            )
        yield client


def _version() -> str:
    try:
        from edgeq import __version__ as found
    except ImportError:
        return "none"
    return found
