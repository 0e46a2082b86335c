"""The fast engines: jobs and workers as columns between ticks, the decisions of `elastic.core` at them."""
