"""The assets by group: each a table of the lake or a mart, made by a step."""
