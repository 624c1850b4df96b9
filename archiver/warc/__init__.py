"""Exchanges and Outcomes <-> WARC records, CDXJ, WACZ."""
