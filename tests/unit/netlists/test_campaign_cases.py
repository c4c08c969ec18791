"""Cases of a campaign: drawn from their own seeds, balanced, plain data; specifications and what is wrong with them."""

from collections import Counter

import pytest

from devices import InputError
from netlists import CampaignSpec
from netlists.campaign.case import Case
from netlists.campaign.draw import draw, is_solvable, strata

SMALL = CampaignSpec(seed=4, circuits=40, models=("vteam/memtorch", "ekv_transistor"), ohmic_share=2, rest=(1, 5))


@pytest.fixture(scope="module")
def cases():
    return [draw(SMALL, k) for k in range(len(strata(SMALL)))]


def test_a_case_depends_on_its_number_only(cases):
    assert [draw(SMALL, k) for k in (7, 3)] == [cases[7], cases[3]]
    assert len({case.to_json() for case in cases}) == len(cases)
    assert draw(CampaignSpec(seed=5, circuits=1), 0) != draw(CampaignSpec(seed=6, circuits=1), 0)


def test_a_case_is_plain_data(cases):
    for case in cases:
        assert Case.from_json(case.to_json()) == case
        assert Case.from_json(case.to_json()).circuit().elements
        assert case.transient == (case.options["analysis"].endswith("transient"))


def test_a_round_has_every_cell_in_every_analysis(cases):
    drawn = Counter((c.options["cells"], c.options["model"], c.options["analysis"]) for c in cases)
    assert drawn == Counter(strata(SMALL))
    arrays = ["read", "operating point", "array transient"]
    vteam = {("device", a) for a in ["device transient", *arrays]}
    vteam |= {(cells, a) for cells in ("1S1R", "1T1R", "1R") for a in arrays}
    assert {(cells, a) for cells, model, a in drawn if model == "vteam/memtorch"} == vteam
    assert all(drawn["ohmic", "", a] == 2 for a in arrays)
    assert drawn["device", "ekv_transistor/access_130nm", "read"] == 1


def test_each_option_comes_equally_often():
    counts = Counter(draw(SMALL, k).options.get("wires") for k in range(100, 180))
    del counts[None]  # of single devices
    assert set(counts) == {"ideal", "uniform", "uneven", "partly zero"}
    assert max(counts.values()) - min(counts.values()) <= 6


def test_every_registered_model_can_be_drawn():
    spec = CampaignSpec(seed=1, circuits=1, cells=("device",), analyses=("read",), rest=(1, 3))
    drawn = [draw(spec, k) for k in range(len(strata(spec)))]
    assert len({case.options["model"] for case in drawn}) == len(spec.models) > 30
    assert all(is_solvable(case) for case in drawn)


def test_rows_and_columns_can_be_left_out():
    wires = {
        "word_line": [[1.0, 2.0, 3.0, "open"], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]],
        "bit_line": 0.5,
        "sense": [20.0, 21.0, 22.0],
        "shorts": [{"kind": "word", "line": 1, "cell": 2, "resistance": 5.0}],
    }
    grid = [[1e-6 * (1 + i + 3 * j) for j in range(3)] for i in range(3)]
    whole = Case(number=0, shape=(3, 3), conductance=grid, wires=wires, voltage=[0.1, 0.2, 0.3])
    part = whole.select([1, 2], [0, 2])
    assert part.conductance == [[grid[1][0], grid[1][2]], [grid[2][0], grid[2][2]]]
    assert part.wires["word_line"] == [[4.0, 6.0, 7.0], [8.0, 10.0, 11.0]]
    assert part.wires["sense"] == [20.0, 22.0]
    assert part.wires["shorts"] == [{"kind": "word", "line": 0, "cell": 1, "resistance": 5.0}]
    assert part.voltage == [0.2, 0.3]
    assert "shorts" not in whole.select([0, 1], [0, 2]).wires
    assert part.build().subject.shape == (2, 2)
    assert not is_solvable(Case(number=0, shape=(1, 1), conductance=[[1e-6]], voltage=[0.0]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = 1", "spec: got no circuits"),
        ("seed = 1\ncircuits = 0", "circuits: got 0; allowed: a whole number, >= 1"),
        ("seed = 1\ncircuits = 2\nengine = 'ngspice'", "spec: got 'engine'.*try: engines"),
        ("seed = 1\ncircuits = 2\nengines = ['spectre']", "engines: got 'spectre'; allowed: one of ngspice, pyspice"),
        ("seed = 1\ncircuits = 2\nengines = ['ngspice', 'ngspice']", "engines: .*each engine once"),
        ("seed = 1\ncircuits = 2\n[draw]\nmodels = ['vteem']", "models: got 'vteem'.*try: vteam"),
        ("seed = 1\ncircuits = 2\n[draw]\nmodels = ['vteam/hp']", "models: got 'hp'"),
        ("seed = 1\ncircuits = 2\n[draw]\nwire = ['ideal']", "spec: got 'wire'.*try: wires"),
        ("seed = 1\ncircuits = 2\n[draw]\nwires = ['perfect']", "wires: got 'perfect'"),
        ("seed = 1\ncircuits = 2\n[draw]\nrest = [4, 2]", "rest: got 2; allowed: a whole number, >= 4"),
        ("seed = 1\ncircuits = 2\n[draw]\nrest = 4", "rest: got 4; allowed: fewest and most lines"),
        ("seed = 1\ncircuits = 2\n[tolerances.read]\nstate = 1", "tolerances.read: got 'state'"),
        ("seed = 1\ncircuits = 2\n[tolerances.read]\ncurrent = -1", "tolerances.read.current: got -1"),
        ("seed = 1\ncircuits = 2\n[floors]\ncharge = 1", "floors: got 'charge'"),
        ("seed = 1\ncircuits = 2\ntimeout = 'long'", "timeout: got 'long'"),
        ("seed = ", "spec: .*no TOML"),
    ],
)
def test_a_wrong_specification_is_refused_in_one_line(tmp_path, text, message):
    (tmp_path / "spec.toml").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        CampaignSpec.read(tmp_path / "spec.toml")
    assert "\n" not in str(caught.value)


def test_a_specification_that_is_not_there():
    with pytest.raises(InputError, match=r"spec: got '/nowhere.toml' \(No such file"):
        CampaignSpec.read("/nowhere.toml")


def test_cells_that_no_analysis_takes():
    spec = CampaignSpec(seed=1, circuits=1, cells=("ohmic",), analyses=("device transient",))
    with pytest.raises(InputError, match=r"analyses: .*some that the cells can have"):
        strata(spec)
