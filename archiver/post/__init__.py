"""A document -> Post and its Links. Pure: no network, no file access.

    bytes -> text (charset) -> front matter | body -> HTML with line stamps (markdown, inline) -> Links (html) -> Targets (plan)

Markdown is turned into a skeleton of HTML, so one reader of HTML finds the pictures of every kind of document.
The parsers are imported when the first document is read, not before.
"""
