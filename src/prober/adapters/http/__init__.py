"""Checks and questions over HTTP: the only package that knows httpx."""

from prober.adapters.http.check import HttpChecker
from prober.adapters.http.fetch import Fetcher
from prober.adapters.http.lookup import Answer, Lookup

__all__ = ["Answer", "Fetcher", "HttpChecker", "Lookup"]
