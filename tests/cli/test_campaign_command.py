"""``memductance crosscheck campaign`` and ``replay``: report, table, exit codes, explanations, replay of a case."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from memductance.cli import app

pytestmark = pytest.mark.spice

SPEC = (Path(__file__).parent / "campaign.toml").read_text()
#: Nothing is within a tolerance and floors of zero, but what is equal to the last bit.
STRICT = SPEC + "[tolerances.read]\ncurrent = 0\nvoltage = 0\n[floors]\ncurrent = 0\nvoltage = 0\n"


def run(*words, code=0):
    done = CliRunner().invoke(app, ["crosscheck", *(str(w) for w in words)])
    assert done.exit_code == code, done.output
    return done


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    folder = tmp_path_factory.mktemp("campaign")
    (folder / "spec.toml").write_text(SPEC)
    return folder, run("campaign", folder / "spec.toml", "--out", folder / "out")


def test_a_campaign_prints_its_results_and_writes_a_report(campaign):
    folder, done = campaign
    assert "Two reads & more: 2 of 2 runs; 2 agrees, 0 differs, 0 failed" in done.stdout
    assert re.search(
        r"read +current +ngspice +2 +\S+ +1e-09 +[01] +(rounding|neither|memductance|ngspice)", done.stdout
    )
    table = pd.read_csv(folder / "out" / "table.csv")
    assert set(table["quantity"]) == {"current", "word-line voltage", "bit-line voltage"}
    assert (table["of_tolerance"] < 1).all()
    assert set(table["verdict"]) == {"agrees"}
    page = (folder / "out" / "report.html").read_text()
    assert "<title>Two reads &amp; more</title>" in page
    assert "Nothing failed, and nothing differs." in page
    assert page.count("data:image/png;base64,") == 1
    command = re.search(r"memductance crosscheck (replay \S+ [01] --engine ngspice)", page).group(1)
    assert "worst at" in run(*command.split()).stdout


def test_a_case_can_be_replayed(campaign):
    folder, _ = campaign
    found = json.loads(run("replay", folder / "out", 1, "--out", folder / "again", "--json").stdout)
    assert found["options"]["wires"] == "uneven"
    rows = [json.loads(line) for line in (folder / "out" / "campaign.jsonl").read_text().splitlines()]
    kept = next(row for row in rows if row.get("case") == 1 and "agreement" in row)
    assert found["quantities"] == kept["agreement"]["quantities"]
    written = {Path(file).name for file in found["files"]}
    assert written == {"agreement.png", "case.json", "circuit.cir", "circuit.sim"}
    assert all(Path(file).stat().st_size > 100 for file in found["files"])


def test_unexplained_differences_end_with_exit_code_1(campaign):
    folder, _ = campaign
    strict = folder / "strict.toml"
    strict.write_text(STRICT)
    done = json.loads(run("campaign", strict, "--out", folder / "out", "--json", code=1).stdout)
    assert done["unexplained"] == done["differs"] == 2
    explanations = folder / "strict.explanations.toml"
    explanations.write_text('[[explanation]]\ncases = [0, "1-ngspice"]\ntext = """Roundings\n<of> both."""\n')
    done = json.loads(run("campaign", strict, "--out", folder / "out", "--json").stdout)
    assert (done["unexplained"], done["differs"]) == (0, 2)
    page = (folder / "out" / "report.html").read_text()
    assert page.count("Roundings &lt;of&gt; both.") == 2


def refused(*words):
    done = run(*words, code=2)
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    return line


def test_bad_input_gives_one_line(campaign, tmp_path):
    folder, _ = campaign
    spec = tmp_path / "spec.toml"
    spec.write_text(SPEC)
    line = refused("campaign", spec, "--out", folder / "out", "--seed", 12)
    assert "spec.seed: got 12; allowed: 11, with which the cases in the folder were drawn" in line
    spec.with_name("spec.explanations.toml").write_text("[[explanation]]\ncase = 3\n")
    assert 'allowed: cases = [17, "23-vacask"] and text' in refused("campaign", spec, "--out", folder / "out")
    spec.with_name("spec.explanations.toml").write_text("because")
    assert "no TOML" in refused("campaign", spec, "--out", folder / "out")
    assert "case: got 2; allowed: a whole number, >= 0, <= 1" in refused("replay", folder / "out", 2)
    assert "engine: got 'spectre'" in refused("replay", folder / "out", 1, "--engine", "spectre")
    assert "reduced: got" in refused("replay", folder / "out", 1, "--reduced")
    assert "without a campaign" in refused("replay", tmp_path, 1)
