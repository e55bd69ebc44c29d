"""A question to a plan, to SQL, to an answer; and the pages that show it."""
