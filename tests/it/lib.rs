//! Stories: what the desk does, told through its real doors. They are all in the test binary `it`.
