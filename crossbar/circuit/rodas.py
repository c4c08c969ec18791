"""The coefficients of RODAS, the linearly implicit method with which arrays are stepped.

Six stages, order 4 with an embedded order 3, L-stable and stiffly accurate, and an interpolation of order 3 within the
step (E. Hairer and G. Wanner, Solving Ordinary Differential Equations II, 2nd ed., Springer 1996, section IV.7 and its
code). Its stages reach less far ahead than those with which single devices are stepped (`devices.simulation.rodas`):
the states of many cells meet their bounds, and a step of one cell must not fail for the others.
"""

from __future__ import annotations

import numpy as np

__all__ = ["ALPHA", "DENSE", "GAMMA", "STAGES", "A", "C", "D"]

STAGES = 6
GAMMA = 0.25
ALPHA = np.array([0.0, 0.386, 0.21, 0.63, 1.0, 1.0])
D = np.array([0.25, -0.1043, 0.1035, -0.3620000000000023e-01, 0.0, 0.0])
A = np.zeros((STAGES, STAGES))
A[1, :1] = 1.544
A[2, :2] = 0.9466785280815826, 0.2557011698983284
A[3, :3] = 3.314825187068521, 2.896124015972201, 0.9986419139977817
A[4, :4] = 1.221224509226641, 6.019134481288629, 12.53708333932087, -0.6878860361058950
A[5, :5] = A[4, :5]
A[5, 4] = 1.0
C = np.zeros((STAGES, STAGES))
C[1, :1] = -5.6688
C[2, :2] = -2.430093356833875, -0.2063599157091915
C[3, :3] = -0.1073529058151375, -9.594562251023355, -20.47028614809616
C[4, :4] = 7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160
C[5, :5] = 8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054
#: Coefficients of the interpolation (dense output).
DENSE = np.array(
    [
        [10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662],
        [-0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872],
    ]
)
