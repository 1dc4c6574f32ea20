"""Writes docs/api-fields.md: every field of the Istio API, its state, and the tests that show it.

python scripts/field_table.py            rewrite the table
python scripts/field_table.py --check    exit 1 when it is not what the tests say
python scripts/field_table.py --corpus   first count anew which cases of the corpus set a field
python scripts/field_table.py --open     print the fields of which no test shows an effect
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the tests are what the table is made of

from tests.fields import table, uses  # noqa: E402


def main() -> int:
    if "--corpus" in sys.argv:
        uses.write_corpus()
    if "--open" in sys.argv:
        for row in table.rows():
            if row.state == table.NOT_SHOWN:
                print(f"{row.kind} {row.path}")
        return 0
    wanted = table.text()
    if "--check" in sys.argv:
        if not table.TABLE.exists() or table.TABLE.read_text() != wanted:
            print("docs/api-fields.md is out of date; run: python scripts/field_table.py")
            return 1
        return 0
    table.TABLE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
