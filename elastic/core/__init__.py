"""The pure decision code: what is known, what it means, what to do; standard library only, no clock, no I/O."""
