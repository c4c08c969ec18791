"""Write a page and a picture for each device model: ``python docs/make_models.py``."""

import io
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from devices import device, models
from devices.model import DeviceModel
from memductance.pages.devices import index_page, loop_figure, model_page

FOLDER = Path(__file__).parent / "models"
PICTURES = "../images/models"


def pages(found: Mapping[str, DeviceModel]) -> dict[str, str]:
    """Return the text of every page by file name."""
    each = {f"{name}.md": model_page(model, f"{PICTURES}/{name}.png") for name, model in found.items()}
    return {"README.md": index_page(found, PICTURES), **each}


def main() -> None:
    """Write docs/models and docs/images/models; pages and pictures of models that no longer exist are deleted."""
    pictures = FOLDER / PICTURES
    for folder, suffix in ((FOLDER, "*.md"), (pictures, "*.png")):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(suffix):
            old.unlink()
    for name, text in pages(models()).items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    for name in models():
        drawn = io.BytesIO()
        loop_figure(device(name)).savefig(drawn, format="png", dpi=90)
        Image.open(drawn).convert("RGB").quantize(48).save(pictures / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
