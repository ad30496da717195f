"""Starting the command as a process of its own."""

import sys
from typing import Final

ANSWER: Final = [sys.executable, "-c", "from oui_answer import main; main()"]
"""The command `answer` of this environment."""
