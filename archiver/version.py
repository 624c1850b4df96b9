"""One place for the version, without imports."""

__version__ = "0.1.0"
