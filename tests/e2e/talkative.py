"""`trunkline` in a process that logs everything that any library has to say, into the file TALKATIVE."""

import logging
import os
import sys

logging.basicConfig(filename=os.environ["TALKATIVE"], level=1, format="%(name)s %(levelname)s %(message)s %(args)s")
for name in ("boto3", "botocore", "azure", "urllib3", "requests", "cohesivenet", "asyncio", "trunkline", "keyring"):
    logging.getLogger(name).setLevel(1)

from trunkline.cli.main import main  # noqa: E402 - after the loggers are on

sys.exit(main())
