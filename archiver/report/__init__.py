"""Report -> text: json, html, csv, terminal. It renders, it never judges."""
