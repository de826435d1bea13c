"""The exceptions of loads. None of them holds a value of a resource."""

from __future__ import annotations

from .._errors import Error


class LoadError(Error):
    """A load cannot go on. The tables are as its message says."""


class BusyError(LoadError):
    """Another load of the same source runs, or was killed."""


class CheckError(LoadError):
    """What was staged or committed is not what was counted. The registry is as before."""
