"""``memductance demo`` on a small array and with one trial."""

import json
import re

import pytest
from typer.testing import CliRunner

from memductance.cli import app


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "report"
    words = ["demo", "--size", "8", "--trials", "1", "--out", str(folder)]
    return folder, CliRunner().invoke(app, words), CliRunner().invoke(app, [*words, "--json"])


@pytest.mark.spice
def test_the_path_of_the_report_is_printed_last(made):
    folder, done, _ = made
    assert done.exit_code == 0, done.output
    assert done.stdout.strip().splitlines()[-1] == str(folder / "report.html")


@pytest.mark.spice
def test_the_report_is_complete_and_self_contained(made):
    folder, *_ = made
    text = (folder / "report.html").read_text()
    assert not re.search(r"(src|href)=\"(?!data:)", text)
    assert text.count("data:image/png;base64,") == 3
    assert text.count("<section>") == 4
    assert text.rstrip().endswith("</html>")
    assert "nan" not in re.sub(r"base64,[^\"]+", "", text).lower().replace("nanos", "")


@pytest.mark.spice
def test_the_figures_meet_the_goals(made):
    found = json.loads(made[2].stdout)
    for model in ("linear_ion_drift", "vteam", "wox_scaled_decay"):
        assert found[f"device_{model}_worst_relative"] < 1e-5
    assert found["read_worst_relative"] < 1e-10
    assert found["read_transfer_worst_relative"] < 1e-10
    assert found["ideal_differs_from_software"] == 0
    assert found["ideal_accuracy"] == found["software_accuracy"] > 0.96
    chip = found["chip"]
    assert chip["energy_per_image_j"] == pytest.approx(chip["energy_j"] / chip["images"])
    assert 90 < found["chip_accuracy_percent_sigma_0"][0] < 100
