"""`python -m orchestration` is the `tidemark` command."""

from __future__ import annotations

import sys

from orchestration.cli import main

sys.exit(main())
