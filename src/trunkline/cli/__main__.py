"""`python -m trunkline.cli`: the same as `trunkline`."""

import sys

from trunkline.cli.main import main

sys.exit(main())
