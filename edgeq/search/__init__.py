"""Mixed precision: the search for a scheme of each layer within budgets, in parallel."""

from edgeq.search.budgets import Budgets
from edgeq.search.searching import search

__all__ = ["Budgets", "search"]
