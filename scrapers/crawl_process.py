"""`python -m scrapers.crawl_process JOB.json [--with-parent]`: one crawl in a process of its own.

With `--with-parent` it ends with its parent. A crawl's imports take longer than most crawls: they are made here at once.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lake.imports import uncollected

WRONG_USE = 2


def main(arguments: list[str]) -> int:
    """Run the job of a file; its exit code."""
    files = [argument for argument in arguments if not argument.startswith("-")]
    if len(files) != 1 or not Path(files[0]).is_file() or set(arguments) - {*files, "--with-parent"}:
        sys.stderr.write("usage: python -m scrapers.crawl_process JOB.json [--with-parent]\n")
        return WRONG_USE
    with uncollected():
        from scrapers.crawl import crawl, end_with_parent
        from scrapers.job import Job
        from scrapers.prefork import preload

        if "--with-parent" in arguments:
            end_with_parent()
        preload()
    return crawl(Job.read(Path(files[0])))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
