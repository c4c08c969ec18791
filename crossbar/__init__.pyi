from .array import Crossbar as Crossbar
from .plot import plot_conductance as plot_conductance
from .plot import plot_currents as plot_currents
from .plot import plot_ir_drop as plot_ir_drop
from .readout import Readout as Readout
from .wires import Wires as Wires
