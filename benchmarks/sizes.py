"""Which parameters belong to the whole suite alone."""

from __future__ import annotations

from typing import Any

import pytest


def full(*values: Any) -> list[Any]:
    """These parameters of a test run with --full only."""
    return [pytest.param(value, marks=pytest.mark.full) for value in values]
