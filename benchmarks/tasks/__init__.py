"""The tasks that are timed, ours and those of other programs; every public function returns a `Task`."""
