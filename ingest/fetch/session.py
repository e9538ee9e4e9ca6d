"""What every step of a fetch shares."""

from collections.abc import Callable
from typing import NamedTuple

import requests

from obcat.ingest.fetch.archives import Service
from obcat.ingest.fetch.ledger import Ledger
from obcat.ingest.fetch.recipe import Recipe

__all__ = ["Session"]


class Session(NamedTuple):
    """What every step needs: the recipe, the ledger, sessions,
    and where to say what has been done.
    """

    recipe: Recipe
    ledger: Ledger
    http: requests.Session  # for clients: reads every body whole
    files: requests.Session
    say: Callable[[str], None]

    def tap(self, host: str) -> Service:
        return Service(self.recipe.hosts[host], self.recipe.limits, self.http, self.files)
