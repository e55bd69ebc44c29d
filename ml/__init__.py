"""Features, models, walk-forward evaluation and the registry; signals from posts."""
