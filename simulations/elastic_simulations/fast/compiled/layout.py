"""Which number lies where in the arrays that the compiled loops share with Python; all are 64-bit whole numbers.

Times are in units (see `units`). Bounds that make overflow impossible: times below 2^56 units, all cores that jobs ask
for below 2^30; products of both are kept as two numbers, high and low 24 bits (see `sums`).
"""

NEVER = 1 << 60
NONE = -1

LATEST = 1 << 55
"""No run goes beyond this time: 1,141 years of microseconds. An end is at most that much later."""

MOST_CORES = 1 << 30
"""Cores that all jobs of a trace together may ask for."""

LOW_BITS = 24

# The state of a pool.
(
    NOW, FINISHED, ARRIVED, STARTED, DEMAND, USED, RUNNING, BOOTING, READY, BUSY, JOINED,
    WORKERS, PEAK, BOOTS, HEAD, TAIL, TIE, SLOTS, ORDER, FULLEST,
    QUEUE_HIGH, QUEUE_LOW, UNDER_HIGH, UNDER_LOW, UNDER_TIME, OVER_TIME, STATE,
) = range(27)  # fmt: skip

SEEN = JOINED + 1
"""So many of them Python looks at after each advance."""

# Rows of workers, by launch number. BEFORE and AFTER link the idle ones, by the time since which they are idle; LEFT,
# RIGHT and ABOVE those with equal room as a heap.
REQUESTED, JOINED_AT, DRAINED, DELETED, FREE, SINCE, BEFORE, AFTER, LEFT, RIGHT, ABOVE, NEWS, ROWS = range(13)

# Rows of jobs, in the order of the trace.
SUBMIT, RUN, WANTS, START, WORKER, JOB_ROWS = range(6)

# Rows of the shapes of jobs, by cores ascending: the first that waits, how many wait, and their cores.
FIRST, WAITING, CORES, SHAPE_ROWS = range(4)

# Rows of links of jobs: which shape each has, and the next of the same shape.
SHAPE_OF, FOLLOWING, LINK_ROWS = range(3)

# How workers with equal room are ordered; then by number.
RECENT, LONGEST, LAUNCH = range(3)

GONE = -1
"""The free cores of a worker that takes no jobs."""
