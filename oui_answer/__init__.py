"""Starts `answer`: puts the application's folders first on the path, then runs its command line."""

import sys
from pathlib import Path


def main() -> None:
    """Run the command line of the wheel (its folders lie in app/) or of the checkout this file is in."""
    here = Path(__file__).resolve().parent
    app = here / "app"
    sys.path.insert(0, str(app if app.is_dir() else here.parent))
    from gateway.cli import main as run

    run()
