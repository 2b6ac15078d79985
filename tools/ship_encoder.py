"""Pack an encoder of the pretrained generator, to come with facefill.

Run it in the project's environment, with what ``benchmarks/encoder.py`` left, or the
pipeline ``train`` for the networks that are shipped::

    python tools/ship_encoder.py searches/encoder
"""

import argparse
import hashlib
from pathlib import Path

from facefill.models.encoders import read_encoder, width_of
from facefill.models.packing import in_eight_bits
from facefill.models.pretrained import (
    ENCODER,
    ENCODER_MANIFEST,
    require_manifest,
)
from facefill.runtime.files import write_bytes, write_json
from facefill.runtime.packaged_files import FOLDER


def main() -> None:
    """Copy the weights, kernels in 8 bits, and say what they are of."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    trained = read_encoder(arguments.folder)
    manifest = require_manifest()
    sha256 = manifest.weights_sha256["generator"]
    if trained is None or trained.generator_sha256 != sha256:
        parser.error(f"{arguments.folder} has no encoder of the shipped generator")
    content = in_eight_bits(trained.network)
    write_bytes(arguments.output / ENCODER, content)
    described = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "image_size": manifest.image_size,
        "latent_size": manifest.latent_size,
        "width": width_of(trained.network),
        "generator_sha256": sha256,
    }
    write_json(arguments.output / ENCODER_MANIFEST, described)
    print(f"{len(content)} bytes")


if __name__ == "__main__":
    main()
