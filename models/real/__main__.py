"""Checks the auditor on real models: makes the environment, fetches the models, runs models.real.check in it.

python3 -m models.real [--only PATTERN…] [--cache DIR] [--timing] [--write]
"""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

from .fetch import default_cache

HERE = Path(__file__).parent


def main() -> None:
    arguments = sys.argv[1:]
    cache = Path(arguments[arguments.index("--cache") + 1]) if "--cache" in arguments else default_cache()
    python = environment(cache / "venv")
    sys.exit(subprocess.run([python, "-m", "models.real.check", *arguments], cwd=HERE.parents[1]).returncode)


def environment(folder: Path) -> Path:
    """Returns the interpreter of a virtual environment that holds requirements.txt; makes it where it does not."""
    python, requirements = folder / "bin/python", HERE / "requirements.txt"
    installed = folder / "installed.sha256"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not installed.exists() or installed.read_text() != wanted:
        if not python.exists():
            venv.create(folder, with_pip=True, symlinks=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", requirements], check=True)
        installed.write_text(wanted)
    return python


if __name__ == "__main__":
    main()
