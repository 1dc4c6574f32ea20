"""`python -m lateen` is the `lateen` command."""

import sys

from lateen.cli.main import main

sys.exit(main())
