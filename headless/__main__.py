"""`python -m simspine.headless` is `simspine`."""

import sys

from .cli import main

sys.exit(main())
