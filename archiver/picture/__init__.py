"""Bytes -> Picture; two Pictures -> Pair."""
