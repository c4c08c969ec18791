"""Texts of others as statements, parameters and expressions; nothing here runs a simulator."""

import math

import pytest

from devices import InputError
from netlists import external
from netlists.dialects.deck import decoded, statements
from netlists.dialects.foreign import FOREIGN_DIALECTS, ExpressionReader, Function


def wrapped(body, dialect="ltspice", around="", **given):
    text = f".subckt m a b r=2\n{body}\n.ends\n{around}\n"
    return external(text, name="m", ports={"te": "a", "be": "b"}, dialect=dialect, **given)


def value(text, dialect):
    return ExpressionReader(dialect, {}, {}).read(text).value


@pytest.mark.parametrize(
    ("text", "values"),
    [
        # in ltspice, pspice, hspice, xyce and ngspice; None where it is refused
        ("(-2)**3", (-8.0, -8.0, -8.0, -8.0, 8.0)),
        ("(-4)**0.5", (0.0, 0.0, 1.0, 0.0, 2.0)),
        ("pow(-2,3)", (-8.0, -8.0, -8.0, -8.0, 8.0)),
        ("pow(2,2.7)", (2**2.7, 2**2.7, 4.0, 2**2.7, 2**2.7)),
        ("pwr(-2,2)", (4.0, 4.0, -4.0, 4.0, -4.0)),
        ("pwrs(-2,2)", (-4.0, -4.0, None, -4.0, None)),
        ("2**3**2", (None, None, None, None, 64.0)),
        ("2^3", (None, None, None, None, 8.0)),
        ("-2**2", (None, -4.0, -4.0, -4.0, -4.0)),
        ("2**-1", (0.5,) * 5),
        ("sqrt(-4)", (None, None, -2.0, None, None)),
        ("log(100)", (math.log(100), math.log(100), math.log(100), None, None)),
        ("log10(100)", (2.0,) * 5),
        ("limit(5,3,1)", (3.0, 1.0, None, 1.0, None)),
        ("u(0)", (0.0, 0.0, None, 0.0, 0.5)),
        ("stp(0)", (0.0, 0.0, None, 0.0, None)),
        ("if(0.3,1,2)", (2.0, 1.0, None, 1.0, None)),
        ("0.3 ? 1 : 2", (2.0, 1.0, 1.0, 1.0, 1.0)),
        ("0 ? 1 : 0 ? 2 : 3", (3.0,) * 5),
        ("!0.3", (1.0, 0.0, 0.0, 0.0, 0.0)),
        ("round(2.5)+buf(0.7)+inv(0.7)", (4.0, None, None, None, None)),
        ("nint(2.5)", (3.0, 3.0, 3.0, 3.0, 2.0)),
        ("hypot(3,4)", (5.0, 5.0, None, 5.0, None)),
        ("atan2(1,-1)", (0.75 * math.pi,) * 4 + (None,)),
        ("atan2(-2,1)", (math.atan2(-2, 1),) * 4 + (None,)),
        ("asinh(1)+acos(0.5)+ceil(1.2)", (math.asinh(1) + math.acos(0.5) + 2,) * 5),
        ("sign(3,0)", (3.0, 3.0, 0.0, 3.0, None)),
        ("fmod(-7,3)", (-1.0, -1.0, None, -1.0, None)),
        ("max(1,5,3)", (5.0, 5.0, 5.0, 5.0, None)),
        ("table(0.5,0,0,1,2)", (1.0, 1.0, None, 1.0, None)),
        ("pwl(2,0,0,1,2)", (2.0, 2.0, None, None, 4.0)),
        ("boltz", (1.38062e-23, None, None, None, None)),
        ("echarge", (1.6021918e-19, None, None, None, None)),
        ("kelvin", (-273.15, None, None, None, None)),
        ("temper", (None, None, 25.0, 27.0, 27.0)),
        ("pi", (math.pi, math.pi, None, math.pi, math.pi)),
        ("1x", (1.0, 1.0, 1e6, 1e6, 1.0)),
        ("1Meg+1mil+1.5kohm", (1e6 + 25.4e-6 + 1500.0,) * 5),
        ("1µ", (1e-6,) * 5),
        ("5%3", (2.0, None, None, None, None)),
        ("{1+'2'}*2", (6.0,) * 5),
    ],
)
def test_the_meaning_of_each_dialect(text, values):
    order = ("ltspice", "pspice", "hspice", "xyce", "ngspice")
    assert set(order) == set(FOREIGN_DIALECTS)
    for dialect, expected in zip(order, values, strict=True):
        if expected is None:
            with pytest.raises(InputError):
                ExpressionReader(dialect, {}, {}).read(text).written()
        else:
            assert value(text, dialect) == pytest.approx(expected, rel=1e-12, abs=1e-15), dialect


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_files_in_other_encodings(tmp_path, encoding):
    path = tmp_path / "deck.lib"
    text = "* résistance °C\r\n.subckt m a b\r\nR1 a b {2µ*1e6}\r\n.ends\r\n"
    path.write_bytes(text.encode(encoding))
    library = external(path, name="m", ports={"te": "a", "be": "b"}).library
    assert library.written({}, [])[1] == "r1 a b 2"
    assert decoded(text.encode(encoding)).lstrip("\ufeff") == text


def test_comments_and_empty_lines_between_continuations():
    text = "a title\n\n.subckt m a b\n* one\n\n\t+ params: r=1\n; two\n  * three\n + q=2 ; four\nR1 a b 1\n.ends\n"
    lines = list(statements(text, "ltspice", "deck"))
    assert [line.text for line in lines] == ["a title", ".subckt m a b params: r=1 q=2", "R1 a b 1", ".ends"]
    assert [line.number for line in lines] == [1, 3, 10, 11]
    (joined,) = statements("R1 a b \\\\\n1k $ a comment\n", "hspice", "deck")
    assert joined.text == "R1 a b 1k"
    with pytest.raises(InputError, match=r"deck, line 1, '\+ 1': a continuation of nothing"):
        list(statements("+ 1\n", "ltspice", "deck"))


def test_errors_name_the_file_the_line_and_the_words(tmp_path):
    path = tmp_path / "broken.lib"
    path.write_text("* title\n.subckt m a b\n\n* note\nR1 a b 1k\n+ tc1=2m\n.ends\n")
    with pytest.raises(InputError, match=r"source: got broken.lib, line 5, 'R1 a b 1k tc1=2m': '1k tc1=2m' in place"):
        external(path, name="m", ports={"te": "a", "be": "b"})


def test_parameters_stand_in_any_order_and_outside():
    theirs = wrapped(
        ".param c={2*d}, e = 3 d={f(r)+g}\nR1 a b {c*e}",
        around=".func f(x)={x+h}\n.param h=4 g={h*10}\n.param bad={rand(1)}",
    )
    assert theirs.library.values({}) == {"r": 2.0, "c": 92.0, "e": 3.0, "d": 46.0, "h": 4.0, "g": 40.0}
    assert theirs.library.written({"r": 3.0}, [])[1] == f"r1 a b {3 * 2 * 47}"
    assert theirs.library.written({"h": 0.0}, [])[1] == f"r1 a b {3 * 2 * 2}"


def test_a_default_may_have_the_name_of_an_outer_parameter():
    text = ".param ron=7\n.subckt m a b ron={ron} roff={2*ron}\nR1 a b {roff}\n.ends\n"
    assert external(text, name="m", ports={"te": "a", "be": "b"}).library.values({})["roff"] == 14.0


def test_hspices_outer_parameters_go_first():
    body, around = ".param k=1\nR1 a b {k}", ".param k=5\n"
    assert wrapped(body, "hspice", around).library.written({}, [])[1] == "r1 a b 5"
    assert wrapped(body, "ltspice", around).library.written({}, [])[1] == "r1 a b 1"
    assert wrapped(body, "hspice", around).library.written({"k": 2.0}, [])[1] == "r1 a b 2"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (".param p={q}\n.param q={s} s={p}\nR1 a b {p}", r"line \d, .*<-.*which refer to each other"),
        (".param p={p}\nR1 a b {p}", "line 2, '.param p={p}': the name 'p', which nothing defines"),
        (".func f(x)={g(x)}\n.func g(x)={f(x)}\nR1 a b {f(1)}", r"f\(\) <- .*g\(\)|g\(\) <- .*f\(\)"),
        (".param p=1 2\nR1 a b {p}", "'2' beside the assignments"),
        ("R1 a b {1+(2}", r"'\{1\+\(2\}', in which '\)' is missing"),
        ("B1 a b I='V(a)", r"a quote that is not closed"),
        ("X1 a b nothing", "the subcircuit 'nothing', which is not in the text"),
        (".global vdd\nR1 a vdd 1", "a global net within a subcircuit"),
        (".subckt n a b\nR1 a b 1\n.ends\nX1 a b n v=2", "v, no parameters of 'n'"),
        (".subckt n a b c\nR1 a b 1\nR2 b c 1\n.ends\nX1 a b n", "2 nets for the ports a b c"),
    ],
)
def test_broken_texts_are_refused_by_name(body, message):
    with pytest.raises(InputError, match=message):
        wrapped(body)


def doubled(count):
    """A chain of functions, each of which calls the one before twice: 2^count terms."""
    chain = [f".func f{k + 1}(x)={{f{k}(x)+f{k}(x)}}" for k in range(count)]
    return "\n".join([".func f0(x)={x*x+sin(x)}", *chain])


def test_functions_that_double_are_read_once():
    assert wrapped(f"{doubled(30)}\nR1 a b {{f30(0)+2}}").library.written({}, [])[1] == "r1 a b 2"
    written = "\n".join(wrapped(f"{doubled(30)}\nB1 a b I={{f30(V(a))}}").library.written({}, []))
    assert "v(part)" in written
    assert len(written) < 4000


def test_parts_of_one_branch_are_not_computed_for_the_other():
    """A logarithm that only one branch takes stays in it; what both take is taken out, with its value at rest."""
    branch = "ln(V(a))*" + "*".join(["ln(V(a))+V(b)"] * 150)
    both = "+".join(["exp(V(a)-V(b)+1)*cos(V(a)*3)"] * 30)
    body = f"R1 a b 1\nC1 b 0 1 IC=2\nB1 a b I={{V(a)>1 ? {branch}+{both} : {both}}}"
    written = "\n".join(wrapped(body).library.written({}, []))
    (part,) = (line for line in written.splitlines() if line.startswith("bpart"))
    assert "ln" not in part
    assert f".nodeset v(part)={math.exp(-1.0)!r}" in written


def test_functions_that_branch_are_bounded():
    chain = "\n".join(f".func f{k + 1}(x)={{f{k}(2*x)+f{k}(2*x+1)}}" for k in range(40))
    with pytest.raises(InputError, match=r"brackets or functions in each other"):
        wrapped(f".func f0(x)={{sin(x)}}\n{chain}\nB1 a b I={{f40(V(a))}}")


def test_instances_that_double_are_bounded():
    inner = "".join(f".subckt s{k} a b\nX1 a b s{k + 1}\nX2 a b s{k + 1}\n.ends\n" for k in range(18))
    with pytest.raises(InputError, match="more than 5000 elements"):
        wrapped("X1 a b s0", around=f"{inner}.subckt s18 a b\nR1 a b 1\n.ends\n")


def test_long_chains_of_parameters_have_no_depth():
    chain = "\n".join(f".param p{k}={{p{k + 1}+1}}" for k in range(3000))
    assert wrapped(f"{chain}\n.param p3000=0\nR1 a b {{p0}}").library.written({}, [])[1] == "r1 a b 3000"


def test_an_untaken_branch_may_have_no_value():
    f = ExpressionReader("hspice", {}, {"f": Function(("x",), "x==0 ? 1 : 1/x")})
    assert f.read("f(0)").value == 1.0
    with pytest.raises(InputError, match="1 / 0, which is no finite number here"):
        f.read("v(a)+1/0").written()


def test_what_is_broken_elsewhere_in_a_file_does_not_matter():
    around = """.param corner 5
.param other=1
.param other=2
.lib tt
.subckt q a b
R1 a b 1
.ends
.endl
.subckt q a b
R1 a b 2
.ends
"""
    assert wrapped("R1 a b {r}", around=around).library.written({}, [])[1] == "r1 a b 2"
    with pytest.raises(InputError, match=r"line 12, '.subckt q a b': a second subcircuit 'q'"):
        wrapped("X1 a b q", around=around)
    with pytest.raises(InputError, match=r"line 6, '.param other=2': 'other' for the second time"):
        wrapped("R1 a b {other}", around=around)
    with pytest.raises(InputError, match=r"line 4, '.param corner 5': 'corner 5' beside the assignments"):
        wrapped("R1 a b {corner}", around=around)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (".subckt m a b OPTIONAL: c=0", "ports 'a b optional:'"),
        (".subckt m a", "ports 'a'"),
        (".subckt m a a b", "ports 'a a b'"),
        (".subckt m a gnd!", "the port 'gnd!', which is the ground"),
        (".subckt", "a subcircuit without a name"),
    ],
)
def test_heads_that_are_not_understood(head, message):
    with pytest.raises(InputError, match=message):
        external(f"* t\n{head}\nR1 a b 1\n.ends\n", name="m", ports={"te": "a", "be": "b"})


def test_a_space_before_the_colon_of_params():
    theirs = external("\n.subckt m a b PARAMS : v=3kΩ\nR1 a b {v}\n.ends\n", name="m", ports={"te": "a", "be": "b"})
    assert theirs.library.written({}, [])[1] == "r1 a b 3000"


def test_global_nets_are_the_same_in_all_parts():
    theirs = wrapped("X1 a b q\nR1 vdd b 1", "hspice", ".global vdd\n.subckt q a b\nR1 a vdd 2\nR2 b n 3\n.ends\n")
    lines = theirs.library.written({}, [])[1:-1]
    assert lines == ["rx1_r1 a vdd 2", "rx1_r2 b x1_n 3", "r1 vdd b 1"]


NEIGHBOURS = """R9 x 0 1
V9 y 0 1
.model dm D(is=1f)
.model sm SW(vt=0.5)
.subckt q a b v=1
R1 a b {v}
.ends"""


@pytest.mark.parametrize("junk", ["junk", "7", "x=1", "(1,2)", "{3}", "=5", ")", "'", ":", "tc=1,2", "off", "@", '"q"'])
@pytest.mark.parametrize(
    "statement",
    ["R1 a b 1k", "R1 a b R={1k+V(a)}", "C1 a 0 1n IC=0.5", "L1 a b 1m IC=1", "V1 a b DC 1", "I1 a b 1m",
     "B1 a b I=V(a)*2", "E1 a b x 0 2", "E1 a b (x,0) 2", "G1 a b value={V(x)}", "G1 a b TABLE {V(x)} = (0,0) (1,1)",
     "G1 a b cur='V(x)'", "F1 a b V9 2", "H1 a b V9 2", "D1 a b dm area=2", "S1 a b x 0 sm ON",
     "X1 a b q PARAMS: v=2", ".ic V(x)=1"],
)  # fmt: skip
def test_no_word_is_left_out_in_silence(statement, junk):
    """A word too many is an error that quotes the line, or makes another circuit: never the same one."""
    plain = wrapped(f"{statement}\n{NEIGHBOURS}").library.written({}, [])
    words = statement.split(" ")
    for k in range(1, len(words) + 1):
        changed, message = " ".join([*words[:k], junk, *words[k:]]), ""
        try:
            found = wrapped(f"{changed}\n{NEIGHBOURS}").library.written({}, [])
        except InputError as error:
            message = str(error)
        assert "a text, line 2, " in message if message else found != plain, changed
