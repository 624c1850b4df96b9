"""The local web page on a report; writes Decisions."""
