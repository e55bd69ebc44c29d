"""Files that a user has: recognised by content, mapped by one declarative table, read into contract rows.

`shapes` is the mapping, `cells` opens a file as text, `recognise` finds the shape, `read` makes rows of it, and
`verdicts` judges a table as a whole. Nothing here writes.
"""
