#!/bin/sh
# Install a CPU build of torch, some 200 MB, into the environment of a Python:
#     tools/torch-cpu.sh .venv/bin/python
# It is the build that the tests run with. Without this, pip takes a build for CUDA of 5.5 GB on Linux.
set -eu
[ $# = 1 ] || { echo "usage: tools/torch-cpu.sh PYTHON" >&2; exit 2; }
version=2.13.0
"$1" -c "import torch" 2>/dev/null && exit 0
"$1" -m pip install --quiet "torch==$version+cpu" 2>/dev/null ||
    "$1" -m pip install --quiet "torch==$version" --index-url https://download.pytorch.org/whl/cpu || {
    echo "torch is not installed: no CPU build of torch $version can be fetched" >&2
    exit 1
}
