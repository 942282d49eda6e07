"""What is in the template's image: the program's source, and an environment where it is installed.

The environment holds the packages of the one that the tests run in, and nothing of this repository
but what is installed from a staged package.
"""

import shutil
import sys
import sysconfig
import venv
from pathlib import Path

from tests.rehearsal.world import Ran, World
from tests.security.canaries import API_KEY, SITE_ID

REPOSITORY = Path(__file__).parents[2]
_SOURCES = ("setup.py", "pyproject.toml", "README.md", "pipeline", "transforms")
"""All that the package is made of."""


def copy_source(to: Path) -> Path:
    """A directory like an operator's clone: the source, and secrets that were left beside it."""
    to.mkdir()
    for name in _SOURCES:
        if (REPOSITORY / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(REPOSITORY / name, to / name, ignore=ignored)
        else:
            shutil.copy(REPOSITORY / name, to / name)
    secrets = f"CUSTOMERIO_SITE_ID={SITE_ID.value}\nCUSTOMERIO_API_KEY={API_KEY.value}\n"
    for name in (".env", "customerio.env", "pipeline/.env", "pipeline/settings/production.yaml"):
        (to / name).write_text(secrets)
    return to


class Environment:
    """A virtual environment without anything of this repository.

    `python`: its interpreter. `packages`: where it installs to.
    """

    def __init__(self, at: Path) -> None:
        venv.create(at, symlinks=True)
        self.packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(at)}))
        self.packages.mkdir(parents=True, exist_ok=True)
        # Only directories of packages: the repository, which pytest put on the path, is none.
        ours = [each for each in sys.path if Path(each).name in ("site-packages", "dist-packages")]
        (self.packages / "packages.pth").write_text("\n".join(ours))
        self.python = at / "bin" / "python"

    def install(self, world: World, package: Path) -> Ran:
        """Installs a source distribution with what is here, as a worker without internet does."""
        return world.run(
            self.python,
            *("-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-index", "--no-deps", "--no-build-isolation", package),
            at=package.parent,
        )
