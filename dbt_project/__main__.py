"""`python -m dbt_project parse | generate`: the manifest that definitions read, and the files made from contracts."""

from __future__ import annotations

import sys

from dbt_project import generate, runner


def main(words: list[str]) -> int:
    """0 for done, 2 for wrong use."""
    if words == ["parse"]:
        sys.stdout.write(f"{runner.ensure_manifest()}\n")
    elif words == ["generate"]:
        sys.stdout.writelines(f"{path}\n" for path in generate.write())
    else:
        sys.stderr.write("use: python -m dbt_project parse | generate\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
