"""The work itself, ours and the peers', one module for each kind; every function returns a `Task`."""
