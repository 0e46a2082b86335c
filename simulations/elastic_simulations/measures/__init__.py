"""What a run was like, from its tables and integrals: waits, slowdowns, paid time, elasticity, fairness."""
