"""A document -> Post and its Links. Pure: no network, no file access."""
