"""Install the Debian packages that the tests need and that are missing: `python -m tests.packages`.

Run by the environment's own Python, because what mysqlclient needs depends on whether it is built already.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from tests.servers import FOLDERS


def missing() -> Iterator[str]:
    """Name each package of which no command, or no file, is there."""
    if not any(map(there, ("chromium", "chromium-browser", "google-chrome"))):
        yield "chromium"
    if not there("xgettext"):
        yield "gettext"
    if not there("redis-server"):
        yield "redis-server"
    if not there("initdb"):
        yield "postgresql"
    if not there("mariadbd"):
        yield "mariadb-server"
    # mysqlclient has no wheels for Linux.
    if importlib.util.find_spec("MySQLdb") is None:
        yield from missing_to_build()


def missing_to_build() -> Iterator[str]:
    if not there("pkg-config"):
        yield "pkg-config"
    if not any(map(there, ("mariadb_config", "mysql_config"))):
        yield "libmariadb-dev"
    if not there("cc"):
        yield from ("gcc", "libc6-dev")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        yield "python3-dev"


def there(command: str) -> bool:
    return shutil.which(command, path=os.pathsep.join(FOLDERS)) is not None


def main() -> int:
    packages = list(missing())
    if not packages:
        return 0
    prefix = becoming_root()
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    if prefix is None:
        print(
            "The tests need some packages. Install them with this command and run make again:\n"
            f"    sudo apt-get update && sudo {' '.join(install)}",
            file=sys.stderr,
        )
        return 1
    update = ["apt-get", "update", "--quiet", "--quiet"]
    environment = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive"]
    subprocess.run([*environment, *update], check=True)
    return subprocess.run([*environment, *install, "--quiet"], check=False).returncode


def becoming_root() -> list[str] | None:
    """What to put before a command so that it runs as root; None if it may not, or if there is no apt."""
    if not there("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    asked = there("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo"] if asked and asked.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
