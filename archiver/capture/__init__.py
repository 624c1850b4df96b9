"""Targets -> Outcomes: the exchanges as they cross the wire."""
